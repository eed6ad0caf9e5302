package io.safegrad.trainer.train;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.surgery.GradientSurgery.Observation;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.GradientAccumulator.Losses;
import java.util.List;
import java.util.function.Consumer;

/**
 * Fine-tunes a model. The same model, examples and settings give the same result, byte for byte, on
 * the same processor with as many threads.
 */
public final class TrainingLoop {

  private final CausalLm model;
  private final Method method;
  private final Training training;
  private final ExampleOrder order;

  /** A loop that takes examples in an order made from the training's seed. */
  public TrainingLoop(CausalLm model, Method method, Training training) {
    this(model, method, training, ExampleOrder.SHUFFLED);
  }

  /** A loop that takes examples in a chosen order. */
  public TrainingLoop(CausalLm model, Method method, Training training, ExampleOrder order) {
    this.model = model;
    this.method = method;
    this.training = training;
    this.order = order;
  }

  /** The optimizer steps of a run over so many user examples. */
  public static int totalSteps(Training training, int userExamples) {
    if (training.maxSteps() != null) {
      return training.maxSteps();
    }
    int examplesPerStep = training.batchSize() * training.gradientAccumulationSteps();
    return training.epochs() * ((userExamples + examplesPerStep - 1) / examplesPerStep);
  }

  /**
   * Trains the model in place.
   *
   * @param user the user's examples
   * @param alignment the alignment examples; not used by the method Sft
   * @param listener told of each step after it is done; what it throws ends the run
   * @throws TrainerException with BAD_DATA when there are no examples, or when the loss or a
   *     gradient is not finite
   */
  public void run(
      List<TokenizedExample> user,
      List<TokenizedExample> alignment,
      Consumer<StepMetrics> listener) {
    run(user, alignment, List.of(), listener, Checkpoints.NONE);
  }

  /**
   * Trains the model in place, from where the newest checkpoint stands.
   *
   * @param additional alignment examples of the user's own; may be empty
   * @param checkpoints told of each step after the listener
   */
  public void run(
      List<TokenizedExample> user,
      List<TokenizedExample> alignment,
      List<TokenizedExample> additional,
      Consumer<StepMetrics> listener,
      Checkpoints checkpoints) {
    boolean aligned = method.name() != Method.Name.Sft;
    requireExamples(user, "the data set");
    if (aligned) {
      requireExamples(alignment, "the alignment set");
    }
    int totalSteps = totalSteps(training, user.size());
    LearningRateSchedule schedule = LearningRateSchedule.of(training, totalSteps);
    GradientSurgery surgery = new GradientSurgery(method.name(), method.alignmentWeight());
    GradientClipping clipping = new GradientClipping(training.maxGradNorm());
    Operators operators = model.torch().operators();

    try (Scope scope = model.torch().scope().child();
        ReferenceModel reference = aligned ? model.reference(alignment) : null;
        ReferenceModel own =
            aligned && !additional.isEmpty() ? model.reference(additional) : null) {
      WindowReader windows =
          new WindowReader(user, alignment, reference, own, method, training, order);
      AdamW optimizer = new AdamW(operators, scope, model.parameters(), training.weightDecay());
      GradientAccumulator gradients = new GradientAccumulator(model, scope, aligned, method);
      TrainingState state = new TrainingState(model, optimizer, windows);

      checkpoints.restore(state);
      for (int step = state.steps() + 1; step <= totalSteps; step++) {
        long start = System.nanoTime();
        Window window = windows.next();
        Losses losses = gradients.accumulate(window);
        window.requireFinite("the loss", losses.user(), step);

        List<Tensor> gradient = gradients.user();
        Observation observed = surgery.combine(operators, scope, gradient, gradients.alignment());
        double gradNorm = clipping.apply(operators, scope, gradient);
        window.requireFinite("the gradient's norm", gradNorm, step);
        double learningRate = schedule.at(step - 1);
        optimizer.step(gradient, learningRate);

        listener.accept(
            new StepMetrics(
                step,
                totalSteps,
                losses.user(),
                losses.alignment(),
                observed.dotProduct(),
                observed.cosine(),
                observed.conflict(),
                observed.userNorm(),
                observed.alignmentNorm(),
                observed.weight(),
                gradNorm,
                learningRate,
                window.numTokens(),
                (System.nanoTime() - start) / 1e9));
        state.stepDone();
        checkpoints.stepDone(state, step == totalSteps);
      }
    }
  }

  private static void requireExamples(List<TokenizedExample> examples, String what) {
    if (examples.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA, what + " is empty; expected at least one example");
    }
  }
}
