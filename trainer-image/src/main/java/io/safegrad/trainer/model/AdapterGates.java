package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;

/**
 * The row gates that switch the adapter.
 *
 * @param scale the adapter's
 * @param trained [1, r] of the scale: the model with its adapter
 * @param frozen [1, r] of zeros: the start model
 */
record AdapterGates(float scale, Tensor trained, Tensor frozen) {

  static AdapterGates of(Lora lora, Scope scope) {
    float[] scale = new float[lora.rank()];
    Arrays.fill(scale, (float) lora.scale());
    return new AdapterGates(
        (float) lora.scale(),
        scope.float32(scale, 1, scale.length),
        scope.float32(new float[scale.length], 1, scale.length));
  }

  /** For a model without an adapter. */
  static AdapterGates none(Scope scope) {
    Tensor zero = scope.float32(new float[1], 1, 1);
    return new AdapterGates(0, zero, zero);
  }

  /**
   * The gate of a pass over two batches, of which each sees its own copy of the adapter.
   *
   * @param userTokens rows of the flat batch that see the first copy
   * @param alignmentTokens rows, behind them, that see the second copy
   * @return [userTokens + alignmentTokens, 2r]
   */
  Tensor joint(Scope scope, int userTokens, int alignmentTokens) {
    int rank = (int) trained.size();
    int tokens = userTokens + alignmentTokens;
    float[] values = new float[tokens * 2 * rank];
    for (int token = 0; token < tokens; token++) {
      int from = token * 2 * rank + (token < userTokens ? 0 : rank);
      Arrays.fill(values, from, from + rank, scale);
    }
    return scope.float32(values, tokens, 2 * rank);
  }
}
