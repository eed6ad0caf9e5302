package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.tensor.GpuMemory;
import io.safegrad.trainer.tensor.Torch;

/**
 * When each layer's forward is done again just before its backward, instead of keeping what it
 * saved.
 *
 * @param maxSavedBytes most memory for what all layers save between forward and backward
 */
record Recomputation(long maxSavedBytes) {

  private static final Recomputation AUTO = new Recomputation(4L << 30);

  /** A value's gradient and its two moments. */
  private static final long BYTES_OF_TRAINED = 12;

  /** What no backward follows keeps nothing, whatever is said here. */
  static final Recomputation NEVER = new Recomputation(Long.MAX_VALUE);

  /**
   * When it is done where a loaded model is.
   *
   * @param trained values that are trained
   */
  static Recomputation of(GradientCheckpointing asked, Torch torch, long trained) {
    if (asked == GradientCheckpointing.Auto && torch.compute().device().cuda()) {
      // The other half is for logits and for what is computed and not kept.
      long left = GpuMemory.freeBytes(torch) - BYTES_OF_TRAINED * trained;
      return new Recomputation(Math.max(0, left / 2));
    }
    return of(asked);
  }

  /** When it is done on a processor. */
  static Recomputation of(GradientCheckpointing asked) {
    return switch (asked) {
      case Auto -> AUTO;
      case Always -> new Recomputation(0);
      case Never -> NEVER;
    };
  }

  /**
   * Whether the layers keep what they save.
   *
   * @param savedBytes of all layers together
   */
  boolean keeps(long savedBytes) {
    return savedBytes <= maxSavedBytes;
  }
}
