package io.safegrad.trainer.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunVersionsTest {

  @TempDir private Path gpus;

  @Test
  void theOneGpuIsCalledAsItsDriverCallsIt() throws IOException {
    add("0000:00:05.0", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 40\n");
    assertThat(RunVersions.gpuModel(gpus)).contains("NVIDIA H200");
  }

  @Test
  void ofSeveralItIsNotKnownWhichOneComputed() throws IOException {
    add("0000:00:05.0", "Model: NVIDIA H200\n");
    add("0000:00:06.0", "Model: NVIDIA L4\n");
    assertThat(RunVersions.gpuModel(gpus)).isEmpty();
  }

  @Test
  void withoutTheDriverThereIsNoName() {
    assertThat(RunVersions.gpuModel(gpus)).isEmpty();
    assertThat(RunVersions.gpuModel(gpus.resolve("absent"))).isEmpty();
  }

  private void add(String place, String information) throws IOException {
    Files.createDirectory(gpus.resolve(place));
    Files.writeString(gpus.resolve(place).resolve("information"), information);
  }
}
