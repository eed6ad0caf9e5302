package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;

/**
 * When each layer's forward is done again just before its backward, instead of keeping what it
 * saved.
 *
 * @param maxSavedBytes most memory for what all layers save between forward and backward
 */
record Recomputation(long maxSavedBytes) {

  /** What is done when nothing is trained, and asked for by nobody. */
  static final Recomputation AUTO = new Recomputation(4L << 30);

  static Recomputation of(GradientCheckpointing asked) {
    return switch (asked) {
      case Auto -> AUTO;
      case Always -> new Recomputation(0);
      case Never -> new Recomputation(Long.MAX_VALUE);
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
