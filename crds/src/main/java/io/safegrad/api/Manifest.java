package io.safegrad.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.ApplyDefaultsStrategy;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.Sources;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

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

  private static final Pattern SCHEME = Pattern.compile("[a-z0-9+.-]{1,16}://");

  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
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
      document = YAML.readTree(text);
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
      throw new ManifestException("manifest: field metadata.name is missing");
    }
    JsonNode spec = object.path("spec");
    if (!spec.isObject()) {
      throw new ManifestException("manifest: field spec is missing");
    }
    if (!isFinite(spec)) {
      throw new ManifestException("manifest: expected finite numbers, found .inf or .nan");
    }
    Set<ValidationMessage> messages = specSchema().walk(spec, true).getValidationMessages();
    if (!messages.isEmpty()) {
      throw new ManifestException(
          messages.stream()
              .map(message -> "manifest: " + sentence(message))
              .sorted()
              .collect(Collectors.joining("; ")));
    }
    try {
      SafeFineTune resource = YAML.treeToValue(object, SafeFineTune.class);
      List<String> violations = SpecRules.violations(resource.getSpec());
      if (!violations.isEmpty()) {
        throw new ManifestException("manifest: " + String.join("; ", violations));
      }
      return resource;
    } catch (JsonProcessingException e) {
      throw ManifestException.of("manifest", e);
    }
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

  private static String sentence(ValidationMessage message) {
    if (message.getType().equals("additionalProperties")) {
      return "unknown field spec%s.%s; expected one of %s"
          .formatted(
              message.getInstanceLocation().toString().substring(1),
              message.getProperty(),
              String.join(", ", fieldsAt(message.getInstanceLocation())));
    }
    if (message.getType().equals("pattern")) {
      Optional<String> expected = Sources.expected(message.getArguments()[0].toString());
      if (expected.isPresent()) {
        return "spec%s: %s, found %s"
            .formatted(
                message.getInstanceLocation().toString().substring(1),
                expected.get(),
                form(message.getInstanceNode().asText()));
      }
    }
    return "spec" + message.getMessage().substring(1);
  }

  /** An address without what may be private in it. */
  private static String form(String address) {
    Matcher scheme = SCHEME.matcher(address);
    return scheme.lookingAt() ? scheme.group() + "…" : "no address";
  }

  private static Set<String> fieldsAt(JsonNodePath place) {
    JsonNode schema = specOfCrd();
    for (int i = 0; i < place.getNameCount(); i++) {
      schema =
          place.getElement(i) instanceof Integer
              ? schema.path("items")
              : schema.path("properties").path(place.getName(i));
    }
    Set<String> fields = new TreeSet<>();
    schema.path("properties").fieldNames().forEachRemaining(fields::add);
    return fields;
  }

  private static JsonSchema specSchema() {
    JsonNode spec = specOfCrd();
    closeObjects(spec);
    SchemaValidatorsConfig config =
        SchemaValidatorsConfig.builder()
            .applyDefaultsStrategy(new ApplyDefaultsStrategy(true, true, true))
            .pathType(PathType.LEGACY)
            .build();
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7).getSchema(spec, config);
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
