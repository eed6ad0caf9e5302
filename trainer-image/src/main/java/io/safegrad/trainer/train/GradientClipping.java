package io.safegrad.trainer.train;

import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.function.DoubleSupplier;

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
  DoubleSupplier apply(Scalars scalars, List<Tensor> gradient) {
    DoubleSupplier squaredNorm = scalars.call("clip", gradient, maxNorm, EPSILON);
    return () -> Math.sqrt(squaredNorm.getAsDouble());
  }
}
