package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.surgery.GradientSurgery.Projection;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.GradientAccumulator.Losses;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.TrainingLoop.MethodOfRun;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/** SafeGrad with one thing changed, to be compared with it. What wins belongs beside it. */
public abstract class ChangedSafeGrad implements FineTuningMethod {

  /** What is changed. */
  public enum Change {
    /**
     * A moving average of the alignment gradients (β 0.9, bias corrected) instead of the newest.
     */
    MOMENTUM,
    /** The optimizer's update is projected instead of the gradient. */
    UPDATE,
    /** ρ grows by a tenth in each step whose KL is above 0.001, up to 100, and falls back to 1. */
    CONTROLLER,
    /** A step of Spag after each step whose alignment examples' cross-entropy is above 0.2. */
    SPAG_STEPS,
    /** Alignment examples are drawn in proportion to what is measured on them. */
    SAMPLING
  }

  final GradientAccumulator gradients;
  final Gradient user;
  final Gradient alignment;
  final double weight;

  private ChangedSafeGrad(Method method, GradientAccumulator gradients) {
    this.gradients = gradients;
    this.user = gradients.newGradient();
    this.alignment = gradients.newGradient();
    this.weight = method.alignmentWeight();
  }

  /** A loop that trains by it. */
  public static TrainingLoop loop(CausalLm model, Method method, Training training, Change change) {
    DivergenceOrder weighted = new DivergenceOrder(model);
    MethodOfRun changed =
        (parameters, gradients, trained) ->
            switch (change) {
              case MOMENTUM -> new Momentum(method, gradients);
              case UPDATE -> new Update(method, gradients, trained);
              case CONTROLLER -> new Controller(method, gradients);
              case SPAG_STEPS -> new SpagSteps(method, gradients, trained);
              case SAMPLING -> new Sampling(method, gradients, weighted);
            };
    return new TrainingLoop(
        model,
        method,
        training,
        change == Change.SAMPLING ? weighted : ExampleOrder.SHUFFLED,
        changed);
  }

  /** Changes the user's gradient into the step's. */
  abstract Observation combine(int step, Supplier<Losses> losses);

  @Override
  public Content reads(int step) {
    return Content.BOTH;
  }

  @Override
  public Supplier<StepOutcome> descend(int step, Window window) {
    Supplier<Losses> losses = gradients.userAndAlignment(window, user, alignment);
    Observation observed = combine(step, losses);
    return () ->
        outcome(
            losses.get(),
            observed,
            observed.projectedGroups() > 0 ? Action.PROJECTED : Action.NONE);
  }

  private static StepOutcome outcome(Losses losses, Observation observed, Action action) {
    return new StepOutcome(
        losses.user(),
        losses.alignment(),
        observed.userNorm(),
        observed.alignmentNorm(),
        observed,
        action,
        null,
        null);
  }

  @Override
  public List<Tensor> gradient() {
    return user.vector();
  }

  Observation surgery(Projection projection, double weight, List<Tensor> direction) {
    return new GradientSurgery(projection, weight)
        .combine(gradients.scalars(), List.of(user.vector()), List.of(direction));
  }

  void addScaled(List<Tensor> to, List<Tensor> vector, double factor) {
    gradients.operators().apply("add_scaled_", to, vector, factor);
  }

  double dot(List<Tensor> a, List<Tensor> b) {
    return gradients.scalars().call("dot", a, b).getAsDouble();
  }

  List<Tensor> zeros() {
    return gradients.operators().call(gradients.scope(), "zeros_like", user.vector());
  }

  private static final class Momentum extends ChangedSafeGrad {

    private static final double BETA = 0.9;
    private final List<Tensor> mean = zeros();
    private final List<Tensor> corrected = zeros();

    Momentum(Method method, GradientAccumulator gradients) {
      super(method, gradients);
    }

    @Override
    Observation combine(int step, Supplier<Losses> losses) {
      addScaled(mean, mean, BETA - 1);
      addScaled(mean, alignment.vector(), 1 - BETA);
      gradients.operators().apply("fill_zero_", corrected);
      addScaled(corrected, mean, 1 / (1 - Math.pow(BETA, step)));
      return surgery(Projection.GLOBAL, weight, corrected);
    }
  }

  private static final class Update extends ChangedSafeGrad {

    private final List<Tensor> parameters;
    private final List<Tensor> before = zeros();
    private final List<Tensor> moved = zeros();

    Update(Method method, GradientAccumulator gradients, List<Tensor> parameters) {
      super(method, gradients);
      this.parameters = parameters;
    }

    @Override
    Observation combine(int step, Supplier<Losses> losses) {
      gradients.operators().apply("assign_", before, parameters);
      return surgery(Projection.NONE, weight, alignment.vector());
    }

    @Override
    public StepOutcome correct(Window window, StepOutcome outcome) {
      gradients.operators().apply("fill_zero_", moved);
      gradients.operators().apply("add_difference_", moved, parameters, before, 1.0);
      double norm = dot(alignment.vector(), alignment.vector());
      double along = dot(moved, alignment.vector());
      boolean projects = GradientSurgery.hasDirection(norm) && along > 0;
      if (projects) {
        addScaled(parameters, alignment.vector(), -along / norm);
      }
      return outcome(
          new Losses(outcome.userLoss(), outcome.alignmentLoss()),
          outcome.surgery(),
          projects ? Action.PROJECTED : Action.NONE);
    }
  }

  private static final class Controller extends ChangedSafeGrad {

    private static final double BUDGET = 1e-3;
    private static final double RATE = 1.1;
    private static final double MOST = 100;
    private double controlled = weight;

    Controller(Method method, GradientAccumulator gradients) {
      super(method, gradients);
    }

    @Override
    Observation combine(int step, Supplier<Losses> losses) {
      controlled =
          losses.get().alignment() > BUDGET
              ? Math.min(MOST, controlled * RATE)
              : Math.max(weight, controlled / RATE);
      return surgery(Projection.GLOBAL, controlled, alignment.vector());
    }
  }

  private static final class SpagSteps extends ChangedSafeGrad {

    private static final Method.Spag SETTINGS = new Method.Spag(0.2, 1.0);
    private final List<Tensor> parameters;

    SpagSteps(Method method, GradientAccumulator gradients, List<Tensor> parameters) {
      super(method, gradients);
      this.parameters = parameters;
    }

    @Override
    Observation combine(int step, Supplier<Losses> losses) {
      return surgery(Projection.GLOBAL, weight, alignment.vector());
    }

    @Override
    public StepOutcome correct(Window window, StepOutcome outcome) {
      DoubleSupplier crossEntropy = gradients.alignmentCrossEntropy(window, alignment);
      double squaredNorm = gradients.squaredNorm(alignment.vector()).getAsDouble();
      double stepSize = Spag.stepSize(SETTINGS, crossEntropy.getAsDouble(), squaredNorm);
      if (stepSize > 0) {
        addScaled(parameters, alignment.vector(), -stepSize);
      }
      return outcome;
    }
  }

  private static final class Sampling extends ChangedSafeGrad {

    private final DivergenceOrder order;

    Sampling(Method method, GradientAccumulator gradients, DivergenceOrder order) {
      super(method, gradients);
      this.order = order;
    }

    @Override
    public Supplier<StepOutcome> descend(int step, Window window) {
      order.compareWith(window.microBatches().get(0).alignment().reference());
      return super.descend(step, window);
    }

    @Override
    Observation combine(int step, Supplier<Losses> losses) {
      return surgery(Projection.GLOBAL, weight, alignment.vector());
    }
  }
}
