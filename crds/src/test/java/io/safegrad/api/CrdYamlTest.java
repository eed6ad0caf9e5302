package io.safegrad.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrdYamlTest {

  @TempDir Path scratch;

  @Test
  void theCommittedCrdIsWhatTheRecordsSay() throws Exception {
    String generated = CrdYaml.generate(scratch);
    if (Boolean.getBoolean("crds.write")) {
      Files.createDirectories(CrdYaml.FILE.getParent());
      Files.writeString(CrdYaml.FILE, generated);
    }
    assertThat(CrdYaml.FILE)
        .as("run ./mvnw -pl crds test -Dcrds.write=true and commit the result")
        .content()
        .isEqualTo(generated);
  }

  @Test
  void everyFieldOfTheSpecIsDocumented() throws Exception {
    JsonNode spec =
        new YAMLMapper()
            .readTree(CrdYaml.FILE.toFile())
            .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    List<String> undocumented = new ArrayList<>();
    collectUndocumented("spec", spec, undocumented);
    assertThat(undocumented).isEmpty();
  }

  private static void collectUndocumented(String path, JsonNode schema, List<String> found) {
    if (!schema.has("description")) {
      found.add(path);
    }
    // Kubernetes' own types bring no descriptions with them.
    if (path.startsWith("spec.pod.")) {
      return;
    }
    schema
        .path("properties")
        .properties()
        .forEach(
            field -> collectUndocumented(path + "." + field.getKey(), field.getValue(), found));
  }
}
