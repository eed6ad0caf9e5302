package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordDigestsTest {

  /** {@code printf '{"completion":"b","prompt":"a"}' | sha256sum}. */
  private static final String DIGEST =
      "sha256:1ea9cdbbe8027a633a05cc56b3cceb9d3e8115d7a55b3ed5c90fa61988190ba0";

  @TempDir Path folder;

  @Test
  void theDigestIsThatOfTheCanonicalRecord() throws IOException {
    Path lines = folder.resolve("a.jsonl");
    Files.writeString(lines, "{\"prompt\": \"x\"}\n{\"prompt\": \"a\",  \"completion\": \"b\"}\n");
    Path csv = folder.resolve("a.csv");
    Files.writeString(csv, "prompt,completion\nx,y\na,b\n");

    assertThat(RecordDigests.of(lines, "a.jsonl", Set.of(2))).isEqualTo(Map.of(2, DIGEST));
    assertThat(RecordDigests.of(csv, "a.csv", Set.of(3))).isEqualTo(Map.of(3, DIGEST));
  }
}
