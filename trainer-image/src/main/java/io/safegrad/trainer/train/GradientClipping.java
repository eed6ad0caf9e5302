package io.safegrad.trainer.train;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * Clipping by the global norm, as {@code torch.nn.utils.clip_grad_norm_}.
 *
 * @param maxNorm the largest norm; 0 for no clipping
 */
record GradientClipping(double maxNorm) {

  /** What torch adds to the norm before it divides. */
  private static final double EPSILON = 1e-6;

  /**
   * Scales a gradient down to the largest norm, all parameters taken as one vector.
   *
   * @return its norm before
   */
  double apply(Operators operators, Scope scope, List<Tensor> gradient) {
    try (Scope numbers = scope.child()) {
      double norm = Math.sqrt(operators.one(numbers, "dot", gradient, gradient).item());
      double factor = maxNorm / (norm + EPSILON);
      if (maxNorm > 0 && factor < 1) {
        operators.apply("scale_", gradient, factor);
      }
      return norm;
    }
  }
}
