package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.tensor.Torch;

/**
 * When each layer's forward is done again just before its backward, instead of keeping what it
 * saved.
 */
interface Recomputation {

  /** What layers may save together without being asked for room. */
  long SMALL = 4L << 30;

  /**
   * Whether the layers keep what they save.
   *
   * @param savedBytes of all layers together
   */
  boolean keeps(long savedBytes);

  /** On a processor. */
  static Recomputation of(GradientCheckpointing asked) {
    return switch (asked) {
      case Auto -> savedBytes -> savedBytes <= SMALL;
      case Always -> savedBytes -> false;
      case Never -> savedBytes -> true;
    };
  }

  /** Where a model is. */
  static Recomputation of(GradientCheckpointing asked, Torch torch) {
    return asked == GradientCheckpointing.Auto && torch.compute().device().cuda()
        ? RoomOnGpu.of(torch)
        : of(asked);
  }
}
