package io.safegrad.trainer.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Method.Name;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real processes; {@link MemoryBench} does the same with a real model. */
class MemoryEstimateTest {

  private static final Path SCRIPT = Path.of("bin/safegrad-trainer").toAbsolutePath();
  private static final double TOLERANCE = 0.15;

  @TempDir private static Path folder;
  private static Path model;

  @BeforeAll
  static void writeModel() throws IOException {
    model = RandomModel.write(folder.resolve("model"));
  }

  @ParameterizedTest
  @CsvSource({
    "Sft, Float32, 4, 128, Never",
    "Sft, Int8, 4, 128, Always",
    "SafeGrad, BFloat16, 1, 768, Never"
  })
  void theEstimateIsWithin15PercentOfTheMeasuredPeak(
      Name method, Storage storage, int rows, int length, GradientCheckpointing checkpointing)
      throws IOException, InterruptedException {
    MemoryCase one = new MemoryCase(method, storage, rows, length, checkpointing);
    Path files = Files.createTempDirectory(folder, "run");

    MemoryRun run = MemoryRun.of(one, SCRIPT, model, files, 1);

    assertThat(run.ratio())
        .as("estimate %d, measured %d".formatted(run.estimateBytes(), run.peakBytes()))
        .isBetween(1 - TOLERANCE, 1 + TOLERANCE);
  }
}
