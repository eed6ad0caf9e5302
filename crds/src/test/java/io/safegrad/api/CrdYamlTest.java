package io.safegrad.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Gate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CrdYamlTest {

  private static final String SAFE_FINE_TUNES = "safefinetunes.safegrad.io";
  private static final String SAFETY_POLICIES = "safetypolicies.safegrad.io";

  @TempDir Path scratch;

  @Test
  void theCommittedCrdsAreWhatTheRecordsSay() throws Exception {
    assertCommitted(SAFE_FINE_TUNES, CrdYaml.safeFineTunes(scratch));
    assertCommitted(SAFETY_POLICIES, CrdYaml.safetyPolicies(scratch));
  }

  private static void assertCommitted(String name, String generated) throws IOException {
    for (Path file : List.of(CrdYaml.file(name), CrdYaml.chartFile(name))) {
      if (Boolean.getBoolean("crds.write")) {
        Files.createDirectories(file.getParent());
        Files.writeString(file, generated);
      }
      assertThat(file)
          .as("run ./mvnw -pl crds test -Dcrds.write=true and commit the result")
          .content()
          .isEqualTo(generated);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {SAFE_FINE_TUNES, SAFETY_POLICIES})
  void everyFieldOfTheSpecIsDocumented(String name) throws Exception {
    List<String> undocumented = new ArrayList<>();
    collectUndocumented("spec", spec(name), undocumented);
    assertThat(undocumented).isEmpty();
  }

  /** What a policy's value takes the place of is known by these constants. */
  @Test
  void theDefaultsInCodeAreThoseOfTheCrd() throws Exception {
    JsonNode safety = spec(SAFE_FINE_TUNES).at("/properties/safety/properties");
    assertThat(safety.at("/alignment/properties/source/default").asText())
        .isEqualTo(Alignment.DEFAULT.source());
    JsonNode evaluation = safety.at("/evaluation/properties");
    assertThat(
            new Evaluation(
                evaluation.at("/harmful/default").asText(),
                evaluation.at("/harmless/default").asText(),
                null,
                evaluation.at("/maxNewTokens/default").asInt()))
        .isEqualTo(Evaluation.DEFAULT);
    JsonNode gate = safety.at("/gate/properties");
    assertThat(
            new Gate(
                gate.at("/minRefusalRate/default").asDouble(),
                gate.at("/maxRefusalDrop/default").asDouble(),
                gate.at("/maxOverRefusal/default").asDouble(),
                null,
                null,
                null,
                gate.at("/maxRefusalKl/default").asDouble(),
                Gate.Compare.valueOf(gate.at("/compare/default").asText())))
        .isEqualTo(Gate.DEFAULT);
  }

  private static JsonNode spec(String name) throws IOException {
    return new YAMLMapper()
        .readTree(CrdYaml.file(name).toFile())
        .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
  }

  private static void collectUndocumented(String path, JsonNode schema, List<String> found) {
    if (!schema.has("description")) {
      found.add(path);
    }
    // Kubernetes' own types bring no descriptions with them.
    if (path.startsWith("spec.pod.") || path.startsWith("spec.namespaceSelector")) {
      return;
    }
    schema
        .path("properties")
        .properties()
        .forEach(
            field -> collectUndocumented(path + "." + field.getKey(), field.getValue(), found));
  }
}
