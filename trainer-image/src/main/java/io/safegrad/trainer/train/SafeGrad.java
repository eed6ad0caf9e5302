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
        || !GradientSurgery.hasDirection(gradients.squaredNorm(alignment.vector()));
  }

  @Override
  public StepOutcome descend(int step, Window window) {
    double userLoss;
    Double alignmentLoss = null;
    if (window.content() == Content.BOTH) {
      Losses losses = gradients.userAndAlignment(window, user, alignment);
      userLoss = losses.user();
      alignmentLoss = losses.alignment();
    } else {
      userLoss = gradients.user(window, user);
    }
    Observation observed =
        surgery.combine(gradients.operators(), gradients.scope(), groups(user), groups(alignment));
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
