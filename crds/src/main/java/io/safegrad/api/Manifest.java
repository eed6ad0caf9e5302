package io.safegrad.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.ApplyDefaultsStrategy;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a user's manifest where there is no API server: the same defaults and the same schema as
 * {@code kubectl apply} meets, both taken from the committed CRD.
 */
public final class Manifest {

  /** Where the CRD lies on the class path. */
  public static final String CRD_RESOURCE = "/crds/safefinetunes.safegrad.io.yaml";

  /** Where the CRD of the SafetyPolicy lies on the class path. */
  public static final String POLICY_CRD_RESOURCE = "/crds/safetypolicies.safegrad.io.yaml";

  /** The rule that a text is held to instead of a pattern. */
  static final String MATCHES = "self.matches('%s')";

  private static final Pattern RULE = Pattern.compile("self\\.matches\\('(.*)'\\)");

  private static final ObjectMapper YAML =
      JsonMapper.builder(
              YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private Manifest() {}

  /**
   * One SafeFineTune with its defaults filled in.
   *
   * @throws ManifestException when the text is not YAML, names another kind, or breaks the schema
   */
  public static SafeFineTune read(String text) {
    JsonNode document;
    try {
      document = onlyDocument(text);
    } catch (JsonProcessingException e) {
      throw ManifestException.of("manifest", e);
    }
    String expected = SafeFineTune.GROUP + "/" + SafeFineTune.VERSION;
    if (!(document instanceof ObjectNode object)
        || !"SafeFineTune".equals(document.path("kind").asText())
        || !expected.equals(document.path("apiVersion").asText())) {
      throw new ManifestException(
          "manifest: expected one document with apiVersion: "
              + expected
              + " and kind: SafeFineTune, found apiVersion: "
              + document.path("apiVersion").asText("none")
              + " and kind: "
              + document.path("kind").asText("none"));
    }
    if (object.path("metadata").path("name").asText().isEmpty()) {
      throw new ManifestException("manifest: metadata.name: expected a text, found nothing");
    }
    JsonNode spec = object.path("spec");
    if (spec.isMissingNode() || spec.isNull()) {
      throw new ManifestException("manifest: spec: expected a mapping, found nothing");
    }
    if (!isFinite(spec)) {
      throw new ManifestException("manifest: expected finite numbers, found .inf or .nan");
    }
    JsonNode schema = specSchema();
    Set<ValidationMessage> messages = validator(schema).walk(spec, true).getValidationMessages();
    if (!messages.isEmpty()) {
      throw new ManifestException(
          "manifest: " + String.join("; ", new SchemaSentences("spec", schema).of(messages)));
    }
    try {
      SafeFineTune resource = YAML.treeToValue(object, SafeFineTune.class);
      List<String> violations = new ArrayList<>(SpecRules.violations(resource.getSpec()));
      violations.addAll(SourceRules.violations("spec", schema, spec));
      if (!violations.isEmpty()) {
        throw new ManifestException("manifest: " + String.join("; ", violations));
      }
      return resource;
    } catch (JsonProcessingException e) {
      throw ManifestException.of("manifest", e);
    }
  }

  /** Of a file that ends or begins with a document's mark, the others are empty. */
  private static JsonNode onlyDocument(String text) throws JsonProcessingException {
    List<JsonNode> documents = new ArrayList<>();
    try (MappingIterator<JsonNode> each = YAML.readerFor(JsonNode.class).readValues(text)) {
      while (each.hasNextValue()) {
        JsonNode document = each.nextValue();
        if (document.isContainerNode() || !document.asText("").isEmpty()) {
          documents.add(document);
        }
      }
    } catch (JsonProcessingException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (documents.size() > 1) {
      throw new ManifestException("manifest: expected one document, found " + documents.size());
    }
    return documents.isEmpty() ? MissingNode.getInstance() : documents.get(0);
  }

  /** JSON, which the API server keeps manifests in, has no infinite numbers. */
  private static boolean isFinite(JsonNode json) {
    if (json.isFloatingPointNumber() && !Double.isFinite(json.doubleValue())) {
      return false;
    }
    for (JsonNode child : json) {
      if (!isFinite(child)) {
        return false;
      }
    }
    return true;
  }

  private static JsonNode specSchema() {
    JsonNode spec = specOfCrd();
    closeObjects(spec);
    return spec;
  }

  private static JsonSchema validator(JsonNode schema) {
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder()
            .applyDefaultsStrategy(new ApplyDefaultsStrategy(true, true, true))
            .pathType(PathType.LEGACY)
            .build();
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7).getSchema(schema, config);
  }

  private static JsonNode specOfCrd() {
    try (InputStream crd = Manifest.class.getResourceAsStream(CRD_RESOURCE)) {
      return YAML.readTree(crd).at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The API server refuses unknown fields of a structural schema, and knows rules; JSON Schema
   * allows the ones and has patterns for the others.
   */
  private static void closeObjects(JsonNode schema) {
    for (JsonNode rule : schema.path("x-kubernetes-validations")) {
      Matcher matcher = RULE.matcher(rule.path("rule").asText());
      if (matcher.matches()) {
        ((ObjectNode) schema).put("pattern", matcher.group(1));
      }
    }
    JsonNode properties = schema.path("properties");
    if (properties.isObject()) {
      ((ObjectNode) schema).put("additionalProperties", false);
      properties.forEach(Manifest::closeObjects);
    } else {
      closeObjectsIn(schema.path("additionalProperties"));
    }
    closeObjectsIn(schema.path("items"));
  }

  private static void closeObjectsIn(JsonNode schema) {
    if (schema.isObject()) {
      closeObjects(schema);
    }
  }
}
