package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.GpuCheck;
import org.junit.jupiter.api.Test;

class GpuFitnessTest {

  private static final Compute GPU = Compute.on(ComputeDevice.CUDA, null);

  @Test
  void aGpuComputesInBfloat16AndAProcessorInFloat32UnlessToldOtherwise() {
    assertThat(GPU.type()).isEqualTo(ComputeType.BFLOAT16);
    assertThat(Compute.on(ComputeDevice.CPU, null)).isEqualTo(Compute.CPU);
    assertThat(Compute.on(ComputeDevice.CPU, true).type()).isEqualTo(ComputeType.BFLOAT16);
  }

  @Test
  void whatAGpuCannotComputeIsSaidBeforeAModelIsRead() {
    ModelConfig config = Golden.of("llama").config();
    assertRefused(
        config,
        Storage.Float32,
        Compute.on(ComputeDevice.CUDA, false),
        ExitReason.BAD_PLAN,
        "training.bf16");
    assertRefused(config, Storage.Int8, GPU, ExitReason.BAD_PLAN, "model.storage is Int8");
    GpuFitness.require(config, Storage.Int8, Compute.CPU);
  }

  /** The JVM lives on, and the sentence is libtorch's own. */
  @Test
  void aGpuThatIsNotThereIsSaid() {
    assertThat(GpuCheck.builtForGpus()).isFalse();
    assertThat(GpuCheck.failure())
        .contains("RuntimeError: Cannot access accelerator device when none is available");
  }

  private static void assertRefused(
      ModelConfig config, Storage storage, Compute compute, ExitReason reason, String message) {
    assertThatThrownBy(() -> GpuFitness.require(config, storage, compute))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageStartingWith(message);
  }
}
