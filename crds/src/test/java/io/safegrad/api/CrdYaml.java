package io.safegrad.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import io.fabric8.crdv2.generator.CRDGenerationInfo;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.client.CustomResource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.Sources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes the CRDs from the records: {@code ./mvnw -pl crds test -Dcrds.write=true}. */
final class CrdYaml {

  private static final Path FOLDER = Path.of("src/main/resources/crds");

  /** A chart cannot look outside its own folder. */
  private static final Path CHART_FOLDER = Path.of("../deploy/helm/files/crds");

  /** What a user may still change once the Job exists. */
  private static final List<String> MUTABLE =
      List.of("suspend", "ttlSecondsAfterFinished", "ttlPolicy", "activeDeadlineSeconds");

  /** As Kubernetes' own CRD generator writes it, without a minus. */
  private static final String QUANTITY =
      "^\\+?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))"
          + "(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";

  private static final ObjectMapper YAML =
      JsonMapper.builder(
              YAMLFactory.builder()
                  .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                  .disable(YAMLGenerator.Feature.SPLIT_LINES)
                  .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                  .build())
          .build();

  private CrdYaml() {}

  /** Where the CRD of a kind is committed. */
  static Path file(String name) {
    return FOLDER.resolve(name + ".yaml");
  }

  /** Where the chart has it. */
  static Path chartFile(String name) {
    return CHART_FOLDER.resolve(name + ".yaml");
  }

  static String safeFineTunes(Path scratch) throws IOException {
    ObjectNode crd = generate(SafeFineTune.class, "safefinetunes.safegrad.io", scratch);
    orderColumns(crd, List.of("Phase", "Progress", "ETA", "Conflict", "Refusal", "Age"));
    ObjectNode schema = schema(crd);
    schema.put(
        "description",
        "A fine-tune of a language model that keeps the model's safety alignment. The adapter is"
            + " published only when the measured safety passes the gate.");
    ((ObjectNode) schema.at("/properties/spec")).put("description", "What is asked for.");
    ObjectNode status = (ObjectNode) schema.at("/properties/status");
    status.put("description", "What the operator observed. Written by the operator alone.");
    // kstatus takes a resource without a status for a finished one; of this one it says InProgress.
    status.putObject("default").put("observedGeneration", -1);
    forbidChangesAfterStart(schema);
    completeConditions((ObjectNode) status.at("/properties/conditions"));
    return text(crd);
  }

  static String safetyPolicies(Path scratch) throws IOException {
    ObjectNode crd = generate(SafetyPolicy.class, "safetypolicies.safegrad.io", scratch);
    orderColumns(crd, List.of("Method", "Refusal", "Drop", "Age"));
    ObjectNode schema = schema(crd);
    schema.put(
        "description",
        "What the platform demands of every SafeFineTune in the namespaces it selects. Of several"
            + " policies on one namespace, the strictest of each field wins.");
    ObjectNode spec = (ObjectNode) schema.at("/properties/spec");
    spec.put("description", "A field that is absent demands nothing.");
    ((ObjectNode) schema.get("properties")).remove("status");
    ArrayNode operators =
        ((ObjectNode)
                spec.at(
                    "/properties/namespaceSelector/properties/matchExpressions/items/properties"
                        + "/operator"))
            .putArray("enum");
    List.of("In", "NotIn", "Exists", "DoesNotExist").forEach(operators::add);
    return text(crd);
  }

  private static ObjectNode generate(
      Class<? extends CustomResource<?, ?>> kind, String name, Path scratch) throws IOException {
    CRDGenerationInfo info =
        new CRDGenerator()
            .customResourceClasses(kind)
            .forCRDVersions("v1")
            .inOutputDir(scratch.toFile())
            .detailedGenerate();
    Path raw = Path.of(info.getCRDInfos(name).get("v1").getFilePath());
    ObjectNode crd = (ObjectNode) YAML.readTree(Files.readString(raw));
    schema(crd).withArray("required").removeAll().add("spec");
    sayWhatIsExpected(schema(crd));
    holdQuantities(schema(crd));
    return crd;
  }

  /** The generator lets any text be a quantity. */
  private static void holdQuantities(JsonNode schema) {
    if (schema.path("x-kubernetes-int-or-string").asBoolean()) {
      ((ObjectNode) schema).put("pattern", QUANTITY);
    }
    schema.forEach(CrdYaml::holdQuantities);
  }

  /** The API server answers a pattern by printing it; a rule has a sentence. */
  private static void sayWhatIsExpected(JsonNode schema) {
    String pattern = schema.path("pattern").asText();
    Sources.expected(pattern)
        .ifPresent(
            sentence -> {
              ObjectNode text = (ObjectNode) schema;
              text.remove("pattern");
              text.withArray("x-kubernetes-validations")
                  .addObject()
                  .put("message", sentence)
                  .put("rule", Manifest.MATCHES.formatted(pattern));
            });
    schema.forEach(CrdYaml::sayWhatIsExpected);
  }

  private static ObjectNode schema(ObjectNode crd) {
    return (ObjectNode) crd.at("/spec/versions/0/schema/openAPIV3Schema");
  }

  private static String text(ObjectNode crd) throws IOException {
    return "# Generated from the records in this module; see CONTRIBUTING.md. Do not edit.\n"
        + YAML.writeValueAsString(crd);
  }

  /** The generator sorts columns by path; people read them in the order of the run's life. */
  private static void orderColumns(ObjectNode crd, List<String> names) {
    ObjectNode version = (ObjectNode) crd.at("/spec/versions/0");
    Map<String, JsonNode> columns =
        Stream.iterate(0, i -> i + 1)
            .limit(version.withArray("additionalPrinterColumns").size())
            .map(i -> version.withArray("additionalPrinterColumns").get(i))
            .collect(Collectors.toMap(column -> column.get("name").asText(), column -> column));
    ArrayNode ordered = version.putArray("additionalPrinterColumns");
    names.forEach(name -> ordered.add(columns.get(name)));
  }

  /**
   * A running Job cannot follow a changed spec. One rule per field, at the root, where status can
   * be seen and where removing a field is seen as well.
   */
  private static void forbidChangesAfterStart(ObjectNode schema) {
    ArrayNode rules = schema.putArray("x-kubernetes-validations");
    schema
        .at("/properties/spec/properties")
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!MUTABLE.contains(field)) {
                ObjectNode rule = rules.addObject();
                rule.put(
                    "rule",
                    "!has(oldSelf.status) || !has(oldSelf.status.startTime) || (has(self.spec.%1$s)"
                            .formatted(field)
                        + " == has(oldSelf.spec.%1$s) && (!has(self.spec.%1$s) || self.spec.%1$s =="
                            .formatted(field)
                        + " oldSelf.spec.%1$s))".formatted(field));
                rule.put(
                    "message",
                    field
                        + " cannot be changed once the run has started: delete the SafeFineTune and"
                        + " create a new one");
                rule.put("fieldPath", ".spec." + field);
              }
            });
  }

  /** Server-side apply merges conditions by type only when the schema says so. */
  private static void completeConditions(ObjectNode conditions) {
    conditions.put("x-kubernetes-list-type", "map");
    conditions.putArray("x-kubernetes-list-map-keys").add("type");
    ArrayNode required = ((ObjectNode) conditions.get("items")).putArray("required");
    List.of("lastTransitionTime", "message", "reason", "status", "type").forEach(required::add);
  }
}
