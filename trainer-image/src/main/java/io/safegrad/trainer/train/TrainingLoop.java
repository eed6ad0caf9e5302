package io.safegrad.trainer.train;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * Fine-tunes a model. The same model, examples and settings give the same result, byte for byte, on
 * the same processor with as many threads.
 */
public final class TrainingLoop {

  private final CausalLm model;
  private final Method method;
  private final Training training;
  private final ExampleOrder order;
  private final MethodOfRun methodOfRun;

  /** Makes what computes a run's gradients. */
  interface MethodOfRun {

    /**
     * @param parameters what is trained
     */
    FineTuningMethod of(Method method, GradientAccumulator gradients, List<Tensor> parameters);
  }

  /** A loop that takes examples in an order made from the training's seed. */
  public TrainingLoop(CausalLm model, Method method, Training training) {
    this(model, method, training, ExampleOrder.SHUFFLED);
  }

  /** A loop that takes examples in a chosen order. */
  public TrainingLoop(CausalLm model, Method method, Training training, ExampleOrder order) {
    this(model, method, training, order, TrainingLoop::tuning);
  }

  /** A loop whose method is another than the plan can name. */
  TrainingLoop(
      CausalLm model,
      Method method,
      Training training,
      ExampleOrder order,
      MethodOfRun methodOfRun) {
    this.model = model;
    this.method = method;
    this.training = training;
    this.order = order;
    this.methodOfRun = methodOfRun;
  }

  /** The optimizer steps of a run over the user's examples, those of Lisa's alignment included. */
  public static int totalSteps(Method method, Training training, List<TokenizedExample> user) {
    return totalSteps(method, training, ExampleRows.of(user, training).size());
  }

  /** The optimizer steps of a run over so many of the user's examples, or rows of packed ones. */
  static int totalSteps(Method method, Training training, int rows) {
    if (training.maxSteps() != null) {
      return training.maxSteps();
    }
    int rowsPerStep = training.batchSize() * training.gradientAccumulationSteps();
    int userSteps = training.epochs() * ((rows + rowsPerStep - 1) / rowsPerStep);
    return method.name() == Method.Name.Lisa
        ? method.resolved().lisa().totalSteps(userSteps)
        : userSteps;
  }

  /**
   * Trains the model in place.
   *
   * @param user the user's examples
   * @param alignment the alignment examples; methods that train on none measure conflicts with them
   * @param listener told of each step after it is done; what it throws ends the run
   * @throws TrainerException with BAD_DATA when there are no examples, or when the loss or a
   *     gradient is not finite
   */
  public void run(
      List<TokenizedExample> user,
      List<TokenizedExample> alignment,
      Consumer<StepMetrics> listener) {
    run(
        user,
        List.of(),
        alignment,
        List.of(),
        listener,
        Checkpoints.NONE,
        ConflictMeasurement.NONE,
        PeriodicEvaluation.NONE);
  }

  /**
   * Trains the model in place, from where the newest checkpoint stands.
   *
   * @param validation the user's examples that are held back; not used without evalSteps
   * @param own alignment examples of the user's own; may be empty
   * @param checkpoints told of each step after the listener
   * @param conflicts which examples pull away from the alignment; not measured without alignment
   *     examples
   * @param evaluation measures the model between two steps, after the checkpoint of the former; a
   *     training that is resumed there measures it then
   * @return how far the data was read
   */
  public DataPosition run(
      List<TokenizedExample> user,
      List<TokenizedExample> validation,
      List<TokenizedExample> alignment,
      List<TokenizedExample> own,
      Consumer<StepMetrics> listener,
      Checkpoints checkpoints,
      ConflictMeasurement conflicts,
      PeriodicEvaluation evaluation) {
    requireExamples(user, "the data set");
    if (method.name().readsAlignmentSet()) {
      requireExamples(alignment, "the alignment set");
    }
    if (training.evalSteps() != null) {
      requireExamples(validation, "the part of the data set that is held back");
    }
    ExampleRows rows = ExampleRows.of(user, training);
    int totalSteps = totalSteps(method, training, rows.size());
    LearningRateSchedule schedule = LearningRateSchedule.of(training, totalSteps);
    GradientClipping clipping = new GradientClipping(training.maxGradNorm());

    try (Scope scope = model.torch().scope().child();
        ReferenceModel reference =
            comparesWithStart() || conflicts.wanted() && !alignment.isEmpty()
                ? reference(alignment, false)
                : null;
        ReferenceModel ownReference =
            comparesWithStart() && !own.isEmpty() ? reference(own, true) : null) {
      WindowReader windows =
          new WindowReader(
              rows,
              alignment,
              comparesWithStart() ? reference : null,
              ownReference,
              method,
              training,
              order);
      AdamW optimizer =
          new AdamW(model.torch().operators(), scope, model.parameters(), training.weightDecay());
      GradientAccumulator gradients =
          new GradientAccumulator(model, scope, method.alignmentWeight());
      FineTuningMethod tuning = methodOfRun.of(method, gradients, model.parameters());
      Validation validated = new Validation(model, scope, training, validation);
      TrainingState state =
          new TrainingState(model, optimizer, windows, tuning, validated, conflicts.leavesOut());
      int conflictStep = conflicts.step(totalSteps, reference);

      checkpoints.restore(state);
      for (int step = state.steps() + 1; step <= totalSteps && !validated.stops(); step++) {
        evaluation.before(step);
        long start = System.nanoTime();
        Window window = windows.next(tuning.reads(step));
        Supplier<StepOutcome> observed = tuning.descend(step, window);
        DoubleSupplier norm = clipping.apply(gradients.scalars(), tuning.gradient());
        double learningRate = schedule.at(step - 1);
        optimizer.step(tuning.gradient(), learningRate);

        // All that was to be computed is under way; now its numbers are waited for.
        StepOutcome outcome = observed.get();
        window.requireFinite("the loss", outcome.userLoss(), step);
        double gradNorm = norm.getAsDouble();
        window.requireFinite("the gradient's norm", gradNorm, step);
        outcome = tuning.correct(window, outcome);
        window.requireFinite("the alignment loss", outcome.alignmentLoss(), step);

        double seconds = (System.nanoTime() - start) / 1e9;
        Double validationLoss = validated.after(step);
        listener.accept(
            outcome.metrics(
                method,
                step,
                totalSteps,
                gradNorm,
                learningRate,
                window.numTokens(),
                seconds,
                validationLoss));
        state.stepDone();
        if (step == conflictStep) {
          state.attributed(
              conflicts.measure(
                  model, reference, user, training.batchSize(), step, state.position().user()));
        }
        boolean last = step == totalSteps || validated.stops();
        checkpoints.stepDone(state, last || evaluation.isDue(step));
      }
      validated.loadBest();
      return state.position();
    }
  }

  private ReferenceModel reference(List<TokenizedExample> examples, boolean own) {
    return model.reference(
        examples, WindowReader.firstPass(examples.size(), own, method, training, order));
  }

  /** Whether the alignment loss is the divergence from the start model. */
  private boolean comparesWithStart() {
    return method.name().hasAlignmentWeight();
  }

  private static FineTuningMethod tuning(
      Method method, GradientAccumulator gradients, List<Tensor> parameters) {
    return switch (method.name()) {
      case SafeGrad, WeightedSum -> new SafeGrad(method, gradients);
      case Sft, SafeLora -> new Sft(gradients);
      case Lisa -> new Lisa(method.resolved().lisa(), gradients, parameters);
      case Spag -> new Spag(method.resolved().spag(), gradients, parameters);
    };
  }

  private static void requireExamples(List<TokenizedExample> examples, String what) {
    if (examples.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA, what + " is empty; expected at least one example");
    }
  }
}
