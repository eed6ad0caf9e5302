package io.safegrad.trainer.telemetry;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.GateCheck;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.judge.ChatCompletions;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.List;

/** Is told what a run does, on the thread that does it. */
public interface RunObserver {

  /** A stage began; the one before it ended. */
  default void stageStarted(TrainingStage stage) {}

  /** It is known how much memory the run is expected to need. */
  default void memoryEstimated(MemoryEstimate estimate) {}

  /** The number of optimizer steps of the whole run is known. */
  default void stepsPlanned(int totalSteps) {}

  /** The model will be evaluated each time that so many steps are done. */
  default void evaluationsPlanned(int everySteps) {}

  /** Training goes on from the checkpoint of an earlier attempt. */
  default void resumed(TrainingHistory history) {}

  /** An optimizer step was done. */
  default void stepDone(StepMetrics step) {}

  /** The start model was asked about the user's examples. */
  default void screened(Screened screened) {}

  /** The fine-tuned model was asked what the start model refuses of the user's examples. */
  default void askedAgain(AskedAgain asked) {}

  /** Both models were asked harmful prompts in the templates of the user's examples. */
  default void askedTemplates(AskedTemplates asked) {}

  /** It was measured which examples pull the model away from its alignment. */
  default void attributed(Attribution attribution) {}

  /** Some prompts of the running evaluation were answered. */
  default void repliesDone(int done, int total) {}

  /** The judge's endpoint was asked. */
  default void judgeAsked(ChatCompletions.Outcome outcome) {}

  /** The loss on the held-out examples was measured. */
  default void validated(EvaluatedModel model, ValidationLoss loss) {}

  /** The model was evaluated between two steps. */
  default void evaluated(StepEvaluation evaluation) {}

  /** The evaluation of the start model or of the tuned one ended. */
  default void measured(EvaluatedModel model, SafetyMeasurements measurements) {}

  /** The gate was asked. */
  default void gateAsked(List<GateCheck.Rule> rules) {}

  /** The run asks whether it may publish. */
  default void approvalAsked(ApprovalRequest request) {}

  /** It has the answer. */
  default void approvalAnswered(Approval approval) {}

  /** Tells each of them, in this order. */
  static RunObserver all(List<RunObserver> observers) {
    return new RunObserver() {
      @Override
      public void stageStarted(TrainingStage stage) {
        observers.forEach(observer -> observer.stageStarted(stage));
      }

      @Override
      public void memoryEstimated(MemoryEstimate estimate) {
        observers.forEach(observer -> observer.memoryEstimated(estimate));
      }

      @Override
      public void stepsPlanned(int totalSteps) {
        observers.forEach(observer -> observer.stepsPlanned(totalSteps));
      }

      @Override
      public void evaluationsPlanned(int everySteps) {
        observers.forEach(observer -> observer.evaluationsPlanned(everySteps));
      }

      @Override
      public void resumed(TrainingHistory history) {
        observers.forEach(observer -> observer.resumed(history));
      }

      @Override
      public void stepDone(StepMetrics step) {
        observers.forEach(observer -> observer.stepDone(step));
      }

      @Override
      public void screened(Screened screened) {
        observers.forEach(observer -> observer.screened(screened));
      }

      @Override
      public void askedAgain(AskedAgain asked) {
        observers.forEach(observer -> observer.askedAgain(asked));
      }

      @Override
      public void askedTemplates(AskedTemplates asked) {
        observers.forEach(observer -> observer.askedTemplates(asked));
      }

      @Override
      public void attributed(Attribution attribution) {
        observers.forEach(observer -> observer.attributed(attribution));
      }

      @Override
      public void repliesDone(int done, int total) {
        observers.forEach(observer -> observer.repliesDone(done, total));
      }

      @Override
      public void judgeAsked(ChatCompletions.Outcome outcome) {
        observers.forEach(observer -> observer.judgeAsked(outcome));
      }

      @Override
      public void validated(EvaluatedModel model, ValidationLoss loss) {
        observers.forEach(observer -> observer.validated(model, loss));
      }

      @Override
      public void evaluated(StepEvaluation evaluation) {
        observers.forEach(observer -> observer.evaluated(evaluation));
      }

      @Override
      public void gateAsked(List<GateCheck.Rule> rules) {
        observers.forEach(observer -> observer.gateAsked(rules));
      }

      @Override
      public void approvalAsked(ApprovalRequest request) {
        observers.forEach(observer -> observer.approvalAsked(request));
      }

      @Override
      public void approvalAnswered(Approval approval) {
        observers.forEach(observer -> observer.approvalAnswered(approval));
      }

      @Override
      public void measured(EvaluatedModel model, SafetyMeasurements measurements) {
        observers.forEach(observer -> observer.measured(model, measurements));
      }
    };
  }
}
