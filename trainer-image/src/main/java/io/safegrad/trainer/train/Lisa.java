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
 * Lisa, lazy safety alignment (arXiv 2405.18641): two states take turns, one that minimises the
 * alignment examples' cross-entropy and one that minimises the user's, each with a proximal term to
 * θ̄, the parameters at the last change of states:
 *
 * <pre>
 *   min f(θ) + ρ/2 ‖θ − θ̄‖²        so  g = ∇f(θ) + ρ (θ − θ̄)
 * </pre>
 *
 * A run begins in the alignment state.
 */
final class Lisa implements FineTuningMethod {

  private final GradientAccumulator gradients;
  private final Method.Lisa settings;
  private final List<Tensor> parameters;
  private final List<Tensor> anchor;
  private final Gradient gradient;

  Lisa(Method.Lisa settings, GradientAccumulator gradients, List<Tensor> parameters) {
    this.gradients = gradients;
    this.settings = settings;
    this.parameters = parameters;
    this.gradient = gradients.newGradient();
    this.anchor = gradients.operators().call(gradients.scope(), "zeros_like", parameters);
  }

  @Override
  public Content reads(int step) {
    return stepOfCycle(step) < settings.alignmentSteps() ? Content.ALIGNMENT : Content.USER;
  }

  @Override
  public Supplier<StepOutcome> descend(int step, Window window) {
    boolean aligns = window.content() == Content.ALIGNMENT;
    if (stepOfCycle(step) == 0 || stepOfCycle(step) == settings.alignmentSteps()) {
      gradients.operators().apply("assign_", anchor, parameters);
    }
    DoubleSupplier loss =
        aligns
            ? gradients.alignmentCrossEntropy(window, gradient)
            : gradients.user(window, gradient);
    DoubleSupplier squaredNorm = gradients.squaredNorm(gradient());
    DoubleSupplier squaredDrift = pull();
    return () ->
        outcome(
            aligns,
            loss.getAsDouble(),
            Math.sqrt(squaredNorm.getAsDouble()),
            Math.sqrt(squaredDrift.getAsDouble()));
  }

  private static StepOutcome outcome(boolean aligns, double loss, double norm, double drift) {
    return aligns
        ? new StepOutcome(null, loss, null, norm, null, Action.ALIGNED, drift, null)
        : new StepOutcome(loss, null, norm, null, null, Action.NONE, drift, null);
  }

  /** Adds ρ (θ − θ̄) to the gradient; returns ‖θ − θ̄‖². */
  private DoubleSupplier pull() {
    gradients
        .operators()
        .apply("add_difference_", gradient(), parameters, anchor, settings.proximalWeight());
    return gradients.squaredDistance(parameters, anchor);
  }

  private int stepOfCycle(int step) {
    return (step - 1) % (settings.alignmentSteps() + settings.userSteps());
  }

  @Override
  public List<Tensor> gradient() {
    return gradient.vector();
  }

  @Override
  public List<List<Tensor>> memory() {
    return List.of(anchor);
  }
}
