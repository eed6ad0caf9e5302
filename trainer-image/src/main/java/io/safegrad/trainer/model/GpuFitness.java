package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeType;

/** What a GPU's kernels ask of a model, said before it is loaded. */
final class GpuFitness {

  /** Head widths that the fused attention has: multiples, up to a largest one. */
  private static final int HEAD_MULTIPLE = 8;

  private static final int MAX_HEAD = 256;

  private GpuFitness() {}

  /**
   * @throws TrainerException with BAD_PLAN or BAD_DATA when the device is a GPU that cannot compute
   *     the model
   */
  static void require(ModelConfig config, Model.Storage storage, Compute compute) {
    if (!compute.device().cuda()) {
      return;
    }
    if (compute.type() != ComputeType.BFLOAT16) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "training.bf16 is false; expected true, or none: on a GPU this trainer computes in"
              + " bfloat16 alone");
    }
    if (storage == Model.Storage.Int8) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "model.storage is Int8; expected BFloat16 or Float32: on a GPU this trainer keeps frozen"
              + " weights in bfloat16");
    }
    int head = config.headDim();
    if (config.attentionSoftCap() == 0 && (head % HEAD_MULTIPLE != 0 || head > MAX_HEAD)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "head_dim of config.json is %d; expected a multiple of %d up to %d: a GPU's attention has no other"
              .formatted(head, HEAD_MULTIPLE, MAX_HEAD));
    }
  }
}
