package io.safegrad.trainer.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.DataRefusal;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TemplateRefusal;
import io.safegrad.api.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TerminationLogTest {

  private static final SafetyMeasurements MEASUREMENTS =
      new SafetyMeasurements(
              Measurement.of(197, 200), Measurement.of(1, 300), Measurement.of(7, 90))
          .withDataRefusal(new DataRefusal(1024, 317, 299, 0.0))
          .withTemplateRefusal(new TemplateRefusal(16, 48, 48, 47, 0, 0.0));
  private static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

  @TempDir private Path folder;

  @Test
  void whatFitsIsWrittenWhole() throws IOException {
    TrainingResult result = result("the gate held", List.of("a", "b"), "pvc://c/out");
    Path file = folder.resolve("termination-log");
    Files.writeString(file, "x".repeat(5000));

    TerminationLog.write(file, result);

    assertThat(read(Files.readAllBytes(file))).isEqualTo(result);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "ä", "語", "𝄞", "\"", "\\", "\u0001", "\n"})
  void hostileLengthsStillFitAndStillAreJson(String character) throws IOException {
    String longText = character.repeat(6000 / character.length());
    String longUri = "pvc://c/" + character.repeat(1000 / character.length());
    for (TrainingResult result :
        List.of(
            result(longText, List.of(), "pvc://c/out"),
            result("short", Collections.nCopies(200, longText), "pvc://c/out"),
            result(longText, List.of(longText, "short"), longUri))) {
      byte[] json = TerminationLog.json(result);

      assertThat(json.length).isLessThanOrEqualTo(TrainingResult.MAX_BYTES);
      TrainingResult read = read(json);
      assertThat(read.reason()).isEqualTo(result.reason());
      assertThat(read.baseline()).isEqualTo(MEASUREMENTS);
      assertThat(read.planDigest()).isEqualTo(DIGEST);
      assertThat(read.artifactDigest()).isEqualTo(DIGEST);
      assertThat(read.message()).isNotEmpty().doesNotContain("\uFFFD");
      assertThat(read.message().chars().filter(c -> Character.isSurrogate((char) c)).count())
          .isEven();
    }
  }

  @Test
  void addressesAreKeptWhileSentencesCanBeCut() throws IOException {
    TrainingResult read =
        read(TerminationLog.json(result("m".repeat(5000), List.of(), "pvc://c/out")));

    assertThat(read.artifact()).isEqualTo("pvc://c/out");
    assertThat(read.report()).isEqualTo("pvc://c/out/report.json");
    assertThat(read.message()).endsWith("…").hasSizeGreaterThan(1000);
  }

  @Test
  void aNumberThatIsNotFiniteIsNull() throws IOException {
    TrainingResult result =
        new TrainingResult(
            ExitReason.SUCCESS,
            "x",
            DIGEST,
            null,
            null,
            Double.NaN,
            1,
            1.0,
            null,
            null,
            null,
            null);

    assertThat(read(TerminationLog.json(result)).conflictRatio()).isNull();
  }

  private static TrainingResult result(String message, List<String> failures, String uri) {
    return new TrainingResult(
        ExitReason.GATE_REFUSED,
        message,
        DIGEST,
        MEASUREMENTS,
        MEASUREMENTS,
        0.123456789012345,
        400,
        12.5,
        failures,
        uri,
        DIGEST,
        uri + "/report.json");
  }

  private static TrainingResult read(byte[] json) throws IOException {
    return new ObjectMapper().readValue(json, TrainingResult.class);
  }
}
