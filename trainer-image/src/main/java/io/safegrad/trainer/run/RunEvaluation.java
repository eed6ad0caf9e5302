package io.safegrad.trainer.run;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.HeldOutDivergence;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.concurrent.atomic.AtomicInteger;

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
    ofData().requirePrompts();
    inTemplates().requirePrompts();
    Integer everySteps = plan.safety().evaluation().everySteps();
    long between = everySteps == null ? 0 : (steps - 1) / everySteps;
    inputs
        .judge()
        .expect(
            inputs.judgedPrompts() * (2 + between)
                + ofData().expected()
                + inTemplates().expected());
  }

  /**
   * What the start model said to what the user's data have, as far as the plan wants to know it.
   *
   * @param data to their prompts
   * @param templates to harmful prompts in their templates; null when it was not asked
   */
  record StartAnswers(DataQuestions.Answers data, TemplateQuestions.Answers templates) {

    /** What is learned after that. */
    RunInputs inputs() {
      return data.inputs();
    }
  }

  /** Asks the start model about the user's data. */
  StartAnswers askStart() {
    return new StartAnswers(ofData().askStart(), inTemplates().askStart());
  }

  private DataQuestions ofData() {
    return new DataQuestions(plan, inputs, this::replies, observer);
  }

  private TemplateQuestions inTemplates() {
    return new TemplateQuestions(plan, inputs, this::replies, observer);
  }

  /** Measures the start model. */
  SafetyMeasurements ofStart() {
    return of(EvaluatedModel.START, null);
  }

  /**
   * Measures the fine-tuned model.
   *
   * @param answers what the start model said about the data
   */
  SafetyMeasurements ofTuned(StartAnswers answers) {
    return of(EvaluatedModel.TUNED, answers);
  }

  private SafetyMeasurements of(EvaluatedModel which, StartAnswers answers) {
    if (!inputs.validation().isEmpty()) {
      observer.validated(
          which, ValidationLoss.of(model, inputs.validation(), plan.training().batchSize()));
    }
    SafetyMeasurements measurements = measurements();
    if (answers != null) {
      measurements =
          measurements
              .withDataRefusal(ofData().askTuned(answers.data()))
              .withTemplateRefusal(inTemplates().askTuned(answers.templates()));
    }
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
