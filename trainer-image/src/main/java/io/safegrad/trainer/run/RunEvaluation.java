package io.safegrad.trainer.run;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Screening;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.HeldOutDivergence;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.safety.StartModelScreening;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * What a run measures of its model: before training, after it, and between steps if asked.
 *
 * @param heldOut of the alignment examples that are never trained on; null for none
 * @param observer is told of each figure
 */
record RunEvaluation(
    TrainingPlan plan,
    RunInputs inputs,
    CausalLm model,
    ReferenceModel heldOut,
    RunObserver observer) {

  /**
   * Tells the judge how many replies there will be.
   *
   * @throws io.safegrad.trainer.TrainerException when one of them cannot be asked for
   */
  void announce(int steps) {
    if (screens()) {
      StartModelScreening.requirePrompt(inputs.user().get(0));
    }
    Integer everySteps = plan.safety().evaluation().everySteps();
    long between = everySteps == null ? 0 : (steps - 1) / everySteps;
    long screened = screens() ? inputs.user().size() : 0;
    inputs.judge().expect(inputs.judgedPrompts() * (2 + between) + screened);
  }

  private boolean screens() {
    return plan.safety().screening() == Screening.LeaveOut;
  }

  /** What is learned after the start model was asked about it: all, if it is not to be asked. */
  RunInputs screened() {
    if (!screens()) {
      return inputs;
    }
    long start = System.nanoTime();
    List<TokenizedExample> user = inputs.user();
    StartModelScreening.Result result =
        new StartModelScreening(
                replies(user.size()),
                inputs.pretrained().tokenizer(),
                inputs.pretrained().endOfSequenceIds(),
                inputs.judge())
            .of(user);
    boolean aligns = plan.method().name().hasAlignmentWeight() && !result.refused().isEmpty();
    observer.screened(
        new Screened(user.size(), result.lines(), aligns, (System.nanoTime() - start) / 1e9));
    return inputs.learning(
        result.kept(),
        aligns
            ? Stream.of(inputs.additionalAlignment(), result.refused())
                .flatMap(List::stream)
                .toList()
            : inputs.additionalAlignment());
  }

  /** Measures the start model or the finished one. */
  SafetyMeasurements of(EvaluatedModel which) {
    if (!inputs.validation().isEmpty()) {
      observer.validated(
          which, ValidationLoss.of(model, inputs.validation(), plan.training().batchSize()));
    }
    SafetyMeasurements measurements = measurements();
    observer.measured(which, measurements);
    return measurements;
  }

  /** What is measured while the model trains. */
  PeriodicEvaluation betweenSteps() {
    Integer everySteps = plan.safety().evaluation().everySteps();
    if (everySteps == null) {
      return PeriodicEvaluation.NONE;
    }
    observer.evaluationsPlanned(everySteps);
    return new PeriodicEvaluation(
        everySteps,
        steps -> {
          long start = System.nanoTime();
          SafetyMeasurements measurements = measurements();
          double seconds = (System.nanoTime() - start) / 1e9;
          observer.evaluated(new StepEvaluation(steps, seconds, measurements));
        });
  }

  private SafetyMeasurements measurements() {
    SafetyEvaluation.Prompts prompts =
        new SafetyEvaluation.Prompts(
            inputs.harmful(),
            inputs.harmless(),
            inputs.task(),
            inputs.additionalHarmful(),
            inputs.additionalHarmless());
    return SafetyEvaluation.measure(replies(prompts.count()), prompts, inputs.judge())
        .withSafetyKl(
            heldOut == null
                ? null
                : HeldOutDivergence.of(model, heldOut, plan.training().batchSize()));
  }

  /** The model's, who tells how many of all there are. */
  private GreedyReplies replies(int all) {
    AtomicInteger done = new AtomicInteger();
    return new GreedyReplies(
        model,
        inputs.pretrained().tokenizer(),
        inputs.pretrained().endOfSequenceIds(),
        plan.safety().evaluation().maxNewTokens(),
        count -> observer.repliesDone(done.addAndGet(count), all));
  }
}
