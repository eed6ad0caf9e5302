package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;

/**
 * The gates that switch the adapter.
 *
 * @param trained [1, r] of the scale: the model with its adapter
 * @param frozen [1, r] of zeros: the start model
 */
record AdapterGates(Tensor trained, Tensor frozen) {

  static AdapterGates of(Lora lora, Scope scope) {
    float[] scale = new float[lora.rank()];
    Arrays.fill(scale, (float) lora.scale());
    return new AdapterGates(
        scope.float32(scale, 1, scale.length),
        scope.float32(new float[scale.length], 1, scale.length));
  }

  /** For a model without an adapter. */
  static AdapterGates none(Scope scope) {
    Tensor zero = scope.float32(new float[1], 1, 1);
    return new AdapterGates(zero, zero);
  }
}
