package io.safegrad.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/** docs/api.md is what the CRDs say; {@code -Dcrds.write=true} writes it. */
class ApiReferenceTest {

  private static final Path PAGE = Path.of("../docs/api.md");
  private static final List<String> NAMES =
      List.of("safefinetunes.safegrad.io", "safetypolicies.safegrad.io");

  /** Kubernetes' own types, which its reference documents. */
  private static final List<String> OF_KUBERNETES =
      List.of(
          ".spec.pod.affinity",
          ".spec.pod.tolerations",
          ".spec.pod.resources",
          ".spec.namespaceSelector",
          ".status.conditions");

  @Test
  void thePageIsWhatTheCrdsSay() throws IOException {
    String expected = page();
    if (Boolean.getBoolean("crds.write")) {
      Files.writeString(PAGE, expected);
    }
    assertThat(PAGE)
        .as("run ./mvnw -pl crds test -Dcrds.write=true and commit the result")
        .content(StandardCharsets.UTF_8)
        .isEqualTo(expected);
  }

  private static String page() throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(
        "# API reference\n\nWritten from the CRDs by a test. `kubectl explain` says the same.\n");
    for (String name : NAMES) {
      JsonNode crd = new YAMLMapper().readTree(CrdYaml.file(name).toFile());
      JsonNode names = crd.at("/spec/names");
      JsonNode version = crd.at("/spec/versions/0");
      text.append(
          "%n## %s%n%n`%s/%s`, %s, `kubectl get %s`.%n"
              .formatted(
                  names.path("kind").asText(),
                  crd.at("/spec/group").asText(),
                  version.path("name").asText(),
                  crd.at("/spec/scope").asText().equals("Cluster")
                      ? "cluster-scoped"
                      : "in a namespace",
                  names.has("shortNames")
                      ? names.at("/shortNames/0").asText()
                      : names.path("plural").asText()));
      JsonNode properties = version.at("/schema/openAPIV3Schema/properties");
      for (String part : List.of("spec", "status")) {
        if (properties.has(part)) {
          table(names.path("kind").asText(), "." + part, properties.path(part), text);
        }
      }
    }
    return text.toString();
  }

  /** One table for an object, then one for each object in it. */
  private static void table(String kind, String path, JsonNode schema, StringBuilder text) {
    text.append("%n### %s%s%n%n".formatted(kind, path));
    StreamSupport.stream(schema.path("x-kubernetes-validations").spliterator(), false)
        .map(rule -> rule.path("message").asText())
        .distinct()
        .forEach(message -> text.append("- ").append(cell(message)).append('\n'));
    text.append(
        schema.has("x-kubernetes-validations")
            ? "\n| field | type | what |\n|---|---|---|\n"
            : "| field | type | what |\n|---|---|---|\n");
    List<String> required = new ArrayList<>();
    schema.path("required").forEach(name -> required.add(name.asText()));
    List<Runnable> inner = new ArrayList<>();
    schema
        .path("properties")
        .properties()
        .forEach(
            field -> {
              String name = field.getKey();
              JsonNode value = field.getValue();
              text.append(
                  "| `%s`%s | %s | %s |%n"
                      .formatted(
                          name,
                          required.contains(name) ? " (required)" : "",
                          type(value),
                          what(value)));
              JsonNode object = value.has("items") ? value.path("items") : value;
              String below = path + "." + name + (value.has("items") ? "[]" : "");
              if (object.has("properties") && !OF_KUBERNETES.contains(path + "." + name)) {
                inner.add(() -> table(kind, below, object, text));
              }
            });
    inner.forEach(Runnable::run);
  }

  private static String type(JsonNode value) {
    if (value.has("enum")) {
      return StreamSupport.stream(value.path("enum").spliterator(), false)
          .map(one -> "`" + one.asText() + "`")
          .collect(Collectors.joining(", "));
    }
    if (value.path("x-kubernetes-int-or-string").asBoolean()) {
      return "quantity";
    }
    if (value.has("items")) {
      return "list of " + type(value.path("items"));
    }
    if (value.has("additionalProperties")) {
      return "map to " + type(value.path("additionalProperties"));
    }
    return value.path("type").asText();
  }

  private static String what(JsonNode value) {
    List<String> parts = new ArrayList<>();
    if (value.has("description")) {
      parts.add(cell(value.path("description").asText()));
    }
    if (value.has("default")) {
      parts.add("Default: `" + cell(value.path("default").toString()) + "`.");
    }
    if (value.has("minimum") && value.has("maximum")) {
      parts.add(number(value.path("minimum")) + " to " + number(value.path("maximum")) + ".");
    } else if (value.has("minimum")) {
      parts.add("At least " + number(value.path("minimum")) + ".");
    } else if (value.has("maximum")) {
      parts.add("At most " + number(value.path("maximum")) + ".");
    }
    return String.join(" ", parts);
  }

  private static String number(JsonNode value) {
    return value.decimalValue().stripTrailingZeros().toPlainString();
  }

  /** On one line, with nothing that ends a cell or opens a tag. */
  private static String cell(String text) {
    return text.replaceAll("\\s+", " ").replace("|", "\\|").replace("<", "&lt;");
  }
}
