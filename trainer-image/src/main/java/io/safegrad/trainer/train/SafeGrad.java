package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.surgery.GradientSurgery.Projection;
import io.safegrad.trainer.surgery.GramMatrix;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.GradientAccumulator.Losses;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.Window.Content;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * SafeGrad (arXiv 2508.07172), and WeightedSum, which is SafeGrad without its projection: two
 * gradients, {@code g_user = ∇ L_user} and {@code g_align = ∇ KL(start model ‖ model)} on the
 * alignment examples, and {@link GradientSurgery} on them.
 *
 * <p>An alignment gradient can serve several steps. One that is nearly zero has no direction, as at
 * the start, where the model still is the start model: it serves no other step.
 *
 * <p>Earlier alignment gradients may be kept, so that the user's is projected off them as well.
 */
final class SafeGrad implements FineTuningMethod {

  private final GradientAccumulator gradients;
  private final GradientSurgery surgery;
  private final int refreshSteps;
  private final Gradient user;

  /** The oldest first; the last is what {@link GradientSurgery} calls g_align. */
  private final List<Gradient> alignments;

  private final GramMatrix gram;

  SafeGrad(Method method, GradientAccumulator gradients) {
    this.gradients = gradients;
    this.surgery = new GradientSurgery(projection(method), method.alignmentWeight());
    this.refreshSteps = method.alignmentRefreshSteps();
    this.user = gradients.newGradient();
    this.alignments =
        new ArrayList<>(
            Stream.generate(gradients::newGradient)
                .limit(1 + method.resolved().alignmentHistorySize())
                .toList());
    this.gram = new GramMatrix(groups(user).size(), alignments.size());
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
        || !GradientSurgery.hasDirection(gradients.squaredNorm(newest().vector()).getAsDouble());
  }

  private Gradient newest() {
    return alignments.get(alignments.size() - 1);
  }

  @Override
  public Supplier<StepOutcome> descend(int step, Window window) {
    if (window.content() == Content.BOTH) {
      // The memory of the oldest is that of the newest from now on.
      Collections.rotate(alignments, -1);
      gram.replaceFirst();
      Supplier<Losses> losses = gradients.userAndAlignment(window, user, newest());
      Observation observed = combine();
      return () -> outcome(losses.get().user(), losses.get().alignment(), observed);
    }
    DoubleSupplier userLoss = gradients.user(window, user);
    Observation observed = combine();
    return () -> outcome(userLoss.getAsDouble(), null, observed);
  }

  /** Here alone a step waits for the device: the projection is decided by a few numbers. */
  private Observation combine() {
    return surgery.combine(
        gradients.scalars(), groups(user), alignments.stream().map(this::groups).toList(), gram);
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

  /** Those that another step reads: the oldest only where no new one replaces it first. */
  @Override
  public List<List<Tensor>> memory() {
    return alignments.stream().skip(refreshSteps > 1 ? 0 : 1).map(Gradient::vector).toList();
  }
}
