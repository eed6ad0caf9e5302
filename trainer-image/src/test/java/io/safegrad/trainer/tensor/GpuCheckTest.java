package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class GpuCheckTest {

  /** On a GPU the same lines run with the kernel that it has. */
  @Test
  void whatItAsksOfAGpuAProcessorDoes() {
    try (Torch torch = Torch.open()) {
      assertThat(GpuCheck.attends(torch, new int[0])).isTrue();
    }
  }
}
