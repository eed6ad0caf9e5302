package io.safegrad.trainer.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Method.Name;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.bench.RandomModel.Family;
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

  @BeforeAll
  static void writeModels() throws IOException {
    for (Family family : Family.values()) {
      RandomModel.write(folder.resolve(family.name()), family);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LLAMA, Sft, Float32, 4, 128, Never, Lora, false, false",
    "LLAMA, Sft, Int8, 4, 128, Always, Lora, false, false",
    "LLAMA, SafeGrad, BFloat16, 1, 768, Never, Lora, false, false",
    "LLAMA, Sft, Float32, 2, 256, Never, Full, true, false",
    "LLAMA, SafeGrad, Float32, 1, 128, Never, Full, false, true",
    "GEMMA2, Sft, BFloat16, 1, 768, Never, Lora, false, false"
  })
  void theEstimateIsWithin15PercentOfTheMeasuredPeak(
      Family family,
      Name method,
      Storage storage,
      int rows,
      int length,
      GradientCheckpointing checkpointing,
      Mode mode,
      boolean packing,
      boolean attributed)
      throws IOException, InterruptedException {
    MemoryCase one =
        new MemoryCase(method, storage, rows, length, checkpointing, mode, packing, attributed);
    Path files = Files.createTempDirectory(folder, "run");

    MemoryRun run = MemoryRun.of(one, SCRIPT, folder.resolve(family.name()), files, 1);

    assertThat(run.ratio())
        .as("estimate %d, measured %d".formatted(run.estimateBytes(), run.peakBytes()))
        .isBetween(1 - TOLERANCE, 1 + TOLERANCE);
  }
}
