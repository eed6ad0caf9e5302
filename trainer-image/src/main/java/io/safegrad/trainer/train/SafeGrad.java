package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.surgery.GradientSurgery.Projection;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.GradientAccumulator.Losses;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * SafeGrad (arXiv 2508.07172), and WeightedSum, which is SafeGrad without its projection: two
 * gradients, {@code g_user = ∇ L_user} and {@code g_align = ∇ KL(start model ‖ model)} on the
 * alignment examples, and {@link GradientSurgery} on them.
 *
 * <p>An alignment gradient can serve several steps. One that is nearly zero has no direction, as at
 * the start, where the model still is the start model: it serves no other step.
 */
final class SafeGrad implements FineTuningMethod {

  private final GradientAccumulator gradients;
  private final GradientSurgery surgery;
  private final int refreshSteps;
  private final Gradient user;
  private final Gradient alignment;

  SafeGrad(Method method, GradientAccumulator gradients) {
    this.gradients = gradients;
    this.surgery = new GradientSurgery(projection(method), method.alignmentWeight());
    this.refreshSteps = method.alignmentRefreshSteps();
    this.user = gradients.newGradient();
    this.alignment = gradients.newGradient();
  }

  private static Projection projection(Method method) {
    if (method.name() == Method.Name.WeightedSum) {
      return Projection.NONE;
    }
    return switch (method.projectionScope()) {
      case Global -> Projection.GLOBAL;
      case PerLayer -> Projection.PER_GROUP;
    };
  }

  @Override
  public Content reads(int step) {
    return refreshes(step) ? Content.BOTH : Content.USER;
  }

  private boolean refreshes(int step) {
    return (step - 1) % refreshSteps == 0
        || !GradientSurgery.hasDirection(gradients.squaredNorm(alignment.vector()).getAsDouble());
  }

  @Override
  public Supplier<StepOutcome> descend(int step, Window window) {
    if (window.content() == Content.BOTH) {
      Supplier<Losses> losses = gradients.userAndAlignment(window, user, alignment);
      Observation observed = combine();
      return () -> outcome(losses.get().user(), losses.get().alignment(), observed);
    }
    DoubleSupplier userLoss = gradients.user(window, user);
    Observation observed = combine();
    return () -> outcome(userLoss.getAsDouble(), null, observed);
  }

  /** Here alone a step waits for the device: the projection is decided by two numbers. */
  private Observation combine() {
    return surgery.combine(gradients.scalars(), groups(user), groups(alignment));
  }

  private static StepOutcome outcome(double userLoss, Double alignmentLoss, Observation observed) {
    return new StepOutcome(
        userLoss,
        alignmentLoss,
        observed.userNorm(),
        observed.alignmentNorm(),
        observed,
        observed.projectedGroups() > 0 ? Action.PROJECTED : Action.NONE,
        null,
        null);
  }

  private List<List<Tensor>> groups(Gradient gradient) {
    return surgery.projection() == Projection.PER_GROUP
        ? gradient.layers()
        : List.of(gradient.vector());
  }

  @Override
  public List<Tensor> gradient() {
    return user.vector();
  }

  @Override
  public List<Tensor> memory() {
    return refreshSteps > 1 ? alignment.vector() : List.of();
  }
}
