package io.safegrad.trainer.bench;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.api.v1alpha1.Training.Mode;

/**
 * A run whose memory is measured.
 *
 * @param rows examples of a batch, and alignment examples for a method that reads any
 * @param length tokens of each
 * @param packing whether rows hold several examples
 * @param attributed whether conflicts are measured
 */
record MemoryCase(
    Method.Name method,
    Storage storage,
    int rows,
    int length,
    GradientCheckpointing gradientCheckpointing,
    Mode mode,
    boolean packing,
    boolean attributed) {

  MemoryCase(
      Method.Name method,
      Storage storage,
      int rows,
      int length,
      GradientCheckpointing gradientCheckpointing) {
    this(method, storage, rows, length, gradientCheckpointing, Mode.Lora, false);
  }

  MemoryCase(
      Method.Name method,
      Storage storage,
      int rows,
      int length,
      GradientCheckpointing gradientCheckpointing,
      Mode mode,
      boolean packing) {
    this(method, storage, rows, length, gradientCheckpointing, mode, packing, false);
  }

  /** Its cells of a table. */
  String cells() {
    return "%s | %s | %s | %d × %d | %s"
        .formatted(
            method,
            mode + (packing ? ", packed" : ""),
            storage,
            rows,
            length,
            gradientCheckpointing);
  }
}
