package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * SPAG, safety-projected alternating gradient (arXiv 2605.28030). A step on the user's examples
 * leads to θ⁺. When the cross-entropy l_safe of the alignment examples there is above the threshold
 * τ, θ⁺ is projected onto the half-space where its linearisation is τ, by a limited step:
 *
 * <pre>
 *   θ = θ⁺ − min((l_safe − τ) / ‖g_s‖², η) g_s,    g_s = ∇ l_safe(θ⁺)
 * </pre>
 */
final class Spag implements FineTuningMethod {

  private final GradientAccumulator gradients;
  private final Method.Spag settings;
  private final List<Tensor> parameters;
  private final Gradient user;
  private final Gradient safety;

  Spag(Method.Spag settings, GradientAccumulator gradients, List<Tensor> parameters) {
    this.gradients = gradients;
    this.settings = settings;
    this.parameters = parameters;
    this.user = gradients.newGradient();
    this.safety = gradients.newGradient();
  }

  @Override
  public Content reads(int step) {
    return Content.BOTH;
  }

  @Override
  public Supplier<StepOutcome> descend(int step, Window window) {
    DoubleSupplier loss = gradients.user(window, user);
    DoubleSupplier squaredNorm = gradients.squaredNorm(gradient());
    return () -> StepOutcome.ofUser(loss.getAsDouble(), Math.sqrt(squaredNorm.getAsDouble()));
  }

  @Override
  public StepOutcome correct(Window window, StepOutcome outcome) {
    DoubleSupplier crossEntropy = gradients.alignmentCrossEntropy(window, safety);
    double squaredNorm = gradients.squaredNorm(safety.vector()).getAsDouble();
    double loss = crossEntropy.getAsDouble();
    double stepSize = stepSize(settings, loss, squaredNorm);
    if (stepSize > 0) {
      gradients.operators().apply("add_scaled_", parameters, safety.vector(), -stepSize);
    }
    return new StepOutcome(
        outcome.userLoss(),
        loss,
        outcome.userNorm(),
        Math.sqrt(squaredNorm),
        null,
        stepSize > 0 ? Action.PROJECTED : Action.NONE,
        null,
        stepSize);
  }

  /** How far to go along −g_s. */
  static double stepSize(Method.Spag settings, double loss, double squaredNorm) {
    double excess = loss - settings.threshold();
    return excess > 0 && squaredNorm > 0
        ? Math.min(excess / squaredNorm, settings.maxStepSize())
        : 0;
  }

  @Override
  public List<Tensor> gradient() {
    return user.vector();
  }
}
