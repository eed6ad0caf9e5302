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
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Writes the CRD from the records: {@code ./mvnw -pl crds test -Dcrds.write=true}. */
final class CrdYaml {

  static final Path FILE = Path.of("src/main/resources/crds/safefinetunes.safegrad.io.yaml");

  /** What a user may still change once the Job exists. */
  private static final List<String> MUTABLE =
      List.of("suspend", "ttlSecondsAfterFinished", "activeDeadlineSeconds");

  private static final List<String> COLUMNS =
      List.of("Phase", "Progress", "Conflict", "Refusal", "Age");

  private static final ObjectMapper YAML =
      JsonMapper.builder(
              YAMLFactory.builder()
                  .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                  .disable(YAMLGenerator.Feature.SPLIT_LINES)
                  .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                  .build())
          .build();

  private CrdYaml() {}

  static String generate(Path scratch) throws IOException {
    CRDGenerationInfo info =
        new CRDGenerator()
            .customResourceClasses(SafeFineTune.class)
            .forCRDVersions("v1")
            .inOutputDir(scratch.toFile())
            .detailedGenerate();
    Path raw = Path.of(info.getCRDInfos("safefinetunes.safegrad.io").get("v1").getFilePath());
    ObjectNode crd = (ObjectNode) YAML.readTree(Files.readString(raw));
    ObjectNode version = (ObjectNode) crd.at("/spec/versions/0");
    orderColumns(version);
    ObjectNode schema = (ObjectNode) version.at("/schema/openAPIV3Schema");
    schema.put(
        "description",
        "A fine-tune of a language model that keeps the model's safety alignment. The adapter is"
            + " published only when the measured safety passes the gate.");
    ((ObjectNode) schema.at("/properties/spec")).put("description", "What is asked for.");
    ((ObjectNode) schema.at("/properties/status"))
        .put("description", "What the operator observed. Written by the operator alone.");
    schema.withArray("required").removeAll().add("spec");
    forbidChangesAfterStart(schema);
    completeConditions((ObjectNode) schema.at("/properties/status/properties/conditions"));
    return "# Generated from the records in this module; see CONTRIBUTING.md. Do not edit.\n"
        + YAML.writeValueAsString(crd);
  }

  /** The generator sorts columns by path; people read them in the order of the run's life. */
  private static void orderColumns(ObjectNode version) {
    Map<String, JsonNode> columns =
        Stream.iterate(0, i -> i + 1)
            .limit(version.withArray("additionalPrinterColumns").size())
            .map(i -> version.withArray("additionalPrinterColumns").get(i))
            .collect(Collectors.toMap(column -> column.get("name").asText(), column -> column));
    ArrayNode ordered = version.putArray("additionalPrinterColumns");
    COLUMNS.forEach(name -> ordered.add(columns.get(name)));
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
