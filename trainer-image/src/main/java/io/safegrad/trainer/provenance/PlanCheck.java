package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.Manifest;
import io.safegrad.api.ManifestException;
import io.safegrad.api.TrainingPlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Whether a file holds the plan of a run: field by field, whatever the form of the file. */
final class PlanCheck {

  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private PlanCheck() {}

  static Finding of(Path file, Statement.BuildDefinition definition) throws IOException {
    TrainingPlan plan = definition.externalParameters().plan();
    JsonNode found;
    try {
      found = read(Files.readString(file, StandardCharsets.UTF_8));
    } catch (JsonProcessingException | ManifestException e) {
      return Finding.wrong(file.toString(), "expected a plan or a manifest, in YAML or JSON");
    }
    List<String> different = differences(found, tree(plan));
    return different.isEmpty()
        ? Finding.ok(file.toString(), plan.digest())
        : Finding.wrong(
            file.toString(),
            "it is not the plan of the run; these fields differ: " + String.join(", ", different));
  }

  private static JsonNode read(String text) throws JsonProcessingException {
    JsonNode content = YAML.readTree(text);
    if (content.has("kind")) {
      return tree(TrainingPlan.of(Manifest.read(text)));
    }
    return content;
  }

  /** A plan as the tree that its YAML has. */
  static JsonNode tree(TrainingPlan plan) throws JsonProcessingException {
    return YAML.readTree(plan.toYaml());
  }

  /** The pointers of the values in which two trees differ; a null is as good as nothing. */
  static List<String> differences(JsonNode one, JsonNode other) {
    List<String> different = new ArrayList<>();
    compare("", one, other, different);
    return different;
  }

  private static void compare(String at, JsonNode one, JsonNode other, List<String> different) {
    if (one.isContainerNode() && one.getNodeType() == other.getNodeType()) {
      TreeSet<String> names = new TreeSet<>();
      one.fieldNames().forEachRemaining(names::add);
      other.fieldNames().forEachRemaining(names::add);
      for (String name : names) {
        String inside = at.isEmpty() ? name : at + "." + name;
        compare(inside, orNull(one.get(name)), orNull(other.get(name)), different);
      }
      for (int i = 0; one.isArray() && i < Math.max(one.size(), other.size()); i++) {
        compare(at + "[" + i + "]", orNull(one.get(i)), orNull(other.get(i)), different);
      }
    } else if (!same(one, other)) {
      different.add(at);
    }
  }

  private static boolean same(JsonNode one, JsonNode other) {
    return one.isNumber() && other.isNumber()
        ? one.decimalValue().compareTo(other.decimalValue()) == 0
        : one.equals(other);
  }

  private static JsonNode orNull(JsonNode node) {
    return node == null ? NullNode.getInstance() : node;
  }
}
