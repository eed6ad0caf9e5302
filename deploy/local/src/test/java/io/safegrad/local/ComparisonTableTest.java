package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingResult;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ComparisonTableTest {

  private static final SafetyMeasurements START = measured(100, 1, null);

  @Test
  void theStartModelAndItsRunsStandSideBySide() {
    List<String> lines =
        print(
            run(
                "Sft",
                ExitReason.GATE_REFUSED,
                measured(20, 0, 97),
                null,
                "minRefusalRate: 20.0% of the harmful prompts were refused"),
            run("SafeGrad", ExitReason.SUCCESS, measured(99, 2, 96), 0.4, null));
    assertThat(lines.get(1)).startsWith("start model   100.0% [96.3%-100.0%]  1.0% [0.2%-5.4%]");
    assertThat(lines.get(2))
        .startsWith("Sft           20.0% [13.3%-28.9%]")
        .contains("97.0% [91.5%-99.0%]")
        .endsWith("-         refused, not published");
    assertThat(lines.get(3))
        .startsWith("SafeGrad      99.0%")
        .endsWith("40.0%     held, published");
    assertThat(lines)
        .contains(
            "Sft: minRefusalRate: 20.0% of the harmful prompts were refused",
            "Sft: 40 of 400 examples conflict with the alignment far more than all others; the"
                + " report names the 20 worst");
  }

  @Test
  void aRunThatMeasuredNothingHasDashesAndItsReason() {
    TrainingResult failed =
        TrainingResult.failed(ExitReason.BAD_DATA, "train.jsonl:3: no assistant turn", "digest");
    List<String> lines = print(new ComparisonTable.Run("SafeGrad", failed));
    assertThat(lines.get(2)).contains("failed (BadData)").doesNotContain("%");
    assertThat(lines).last().isEqualTo("SafeGrad: train.jsonl:3: no assistant turn");
  }

  private static List<String> print(ComparisonTable.Run... runs) {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    ComparisonTable.print(List.of(runs), new PrintStream(written, true, StandardCharsets.UTF_8));
    return written.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static ComparisonTable.Run run(
      String method,
      ExitReason reason,
      SafetyMeasurements result,
      Double conflict,
      String failure) {
    List<String> failures = failure == null ? List.of() : List.of(failure);
    return new ComparisonTable.Run(
        method,
        new TrainingResult(
            reason,
            "message",
            "digest",
            START,
            result,
            conflict,
            9,
            1.0,
            failures,
            List.of(),
            failure == null ? null : new AttributionCounts(400, 40, 20),
            null,
            null,
            null));
  }

  private static SafetyMeasurements measured(int refused, int over, Integer solved) {
    return new SafetyMeasurements(
        Measurement.of(refused, 100),
        Measurement.of(over, 100),
        solved == null ? null : Measurement.of(solved, 100));
  }
}
