package io.safegrad.trainer.run;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.safety.Divergence;
import io.safegrad.trainer.safety.RefusalExamples;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a run measures of its model: before training, after it, and between steps if asked. The
 * start model comes first: what it refuses, others are compared on.
 */
final class RunEvaluation implements AutoCloseable {

  private final TrainingPlan plan;
  private final RunInputs inputs;
  private final CausalLm model;
  private final RunObserver observer;
  private final ReferenceModel heldOut;
  private final StartRefusals startRefusals;
  private StartRefusals.Some refusals;

  /**
   * @param model is the start model still
   * @param observer is told of each figure
   */
  RunEvaluation(TrainingPlan plan, RunInputs inputs, CausalLm model, RunObserver observer) {
    this.plan = plan;
    this.inputs = inputs;
    this.model = model;
    this.observer = observer;
    this.heldOut = reference(inputs.heldOutAlignment());
    this.startRefusals =
        new StartRefusals(model, plan, inputs, all -> replies(all, RefusalExamples.LONGEST));
  }

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
    return new DataQuestions(plan, inputs, this::replies, startRefusals, observer);
  }

  private TemplateQuestions inTemplates() {
    return new TemplateQuestions(plan, inputs, this::replies, startRefusals, observer);
  }

  /** Measures the start model, while the model is that. */
  SafetyMeasurements ofStart() {
    validate(EvaluatedModel.START);
    SafetyEvaluation.Evaluated evaluated = evaluate();
    refusals = startRefusals.of(evaluated.refusals());
    SafetyMeasurements measurements =
        evaluated
            .measurements()
            .withSafetyKl(safetyKl())
            .withRefusalKl(refusals.isEmpty() ? null : 0.0);
    observer.measured(EvaluatedModel.START, measurements);
    return measurements;
  }

  /**
   * Measures the fine-tuned model.
   *
   * @param answers what the start model said about the data
   */
  SafetyMeasurements ofTuned(StartAnswers answers) {
    validate(EvaluatedModel.TUNED);
    SafetyMeasurements measurements =
        measurements()
            .withDataRefusal(ofData().askTuned(answers.data()))
            .withTemplateRefusal(inTemplates().askTuned(answers.templates()));
    observer.measured(EvaluatedModel.TUNED, measurements);
    return measurements;
  }

  private void validate(EvaluatedModel which) {
    if (!inputs.validation().isEmpty()) {
      observer.validated(
          which, ValidationLoss.of(model, inputs.validation(), plan.training().batchSize()));
    }
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
    return evaluate()
        .measurements()
        .withSafetyKl(safetyKl())
        .withRefusalKl(
            refusals.isEmpty() ? null : (Double) (refusals.divergence() / refusals.count()));
  }

  private SafetyEvaluation.Evaluated evaluate() {
    SafetyEvaluation.Prompts prompts =
        new SafetyEvaluation.Prompts(
            inputs.harmful(),
            inputs.harmless(),
            inputs.task(),
            inputs.additionalHarmful(),
            inputs.additionalHarmless());
    return SafetyEvaluation.evaluate(replies(prompts.count()), prompts, inputs.judge());
  }

  /** Null for no examples. */
  private ReferenceModel reference(List<TokenizedExample> examples) {
    return examples.isEmpty() ? null : model.reference(examples);
  }

  private Double safetyKl() {
    return heldOut == null
        ? null
        : (Double) Divergence.of(model, heldOut, plan.training().batchSize()).perToken();
  }

  @Override
  public void close() {
    startRefusals.close();
    if (heldOut != null) {
      heldOut.close();
    }
  }

  /** The model's, who tells how many of all there are. */
  private GreedyReplies replies(int all) {
    return replies(all, plan.safety().evaluation().maxNewTokens());
  }

  private GreedyReplies replies(int all, int maxNewTokens) {
    AtomicInteger done = new AtomicInteger();
    return new GreedyReplies(
        model,
        inputs.pretrained().tokenizer(),
        inputs.pretrained().endOfSequenceIds(),
        maxNewTokens,
        count -> observer.repliesDone(done.addAndGet(count), all));
  }
}
