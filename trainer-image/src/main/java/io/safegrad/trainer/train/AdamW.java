package io.safegrad.trainer.train;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * AdamW (arXiv 1711.05101) with the arithmetic of {@code torch.optim.AdamW} at its default betas
 * and epsilon. Norms and biases do not decay, as in transformers' Trainer.
 */
final class AdamW {

  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final Operators operators;
  private final List<Tensor> parameters;
  private final List<Tensor> mean;
  private final List<Tensor> square;
  private final double weightDecay;
  private int step;

  /**
   * @param scope holds the moments
   */
  AdamW(Operators operators, Scope scope, List<Tensor> parameters, double weightDecay) {
    this.operators = operators;
    this.parameters = parameters;
    this.mean = operators.call(scope, "zeros_like", parameters);
    this.square = operators.call(scope, "zeros_like", parameters);
    this.weightDecay = weightDecay;
  }

  /** Running mean of the gradients, at the place of each parameter. */
  List<Tensor> mean() {
    return mean;
  }

  /** Running mean of their squares. */
  List<Tensor> square() {
    return square;
  }

  /** Goes on as if so many steps were done; the moments must be theirs. */
  void resumeAfter(int steps) {
    step = steps;
  }

  /** Moves the parameters by one step. */
  void step(List<Tensor> gradient, double learningRate) {
    step++;
    operators.apply(
        "adamw_",
        parameters,
        gradient,
        mean,
        square,
        step,
        learningRate,
        weightDecay,
        BETA_1,
        BETA_2,
        EPSILON);
  }
}
