package io.safegrad.api;

import io.safegrad.api.v1alpha1.Method;

/**
 * What a running trainer answers on {@code GET /progress}. Every field but the first three is null
 * until it is known.
 *
 * @param stage where the run stands
 * @param step optimizer steps done
 * @param totalSteps optimizer steps of the whole run
 * @param etaSeconds estimate of the remaining seconds of the whole run
 * @param loss newest mean cross-entropy of the user's response tokens, in nats
 * @param alignmentLoss newest mean loss of the alignment examples' response tokens, in nats: KL to
 *     the start model, or cross-entropy for Lisa and Spag
 * @param conflictRatio share of the steps so far in which the gradients conflicted, 0 to 1
 * @param cosine cosine of the two gradients at the last step
 * @param refusalRate the refusal rate of the start model, and then that of the tuned one, 0 to 1
 * @param tokensPerSecond tokens of both batches, over the last steps
 * @param method the method that runs
 * @param interventions steps in which it projected (SafeGrad, Spag), or in which the alignment had
 *     its turn (Lisa)
 * @param resumedAtStep optimizer steps of the checkpoint that this process went on from; null when
 *     it began at the beginning
 * @param evaluation the newest evaluation of the model while it trains; null without
 *     safety.evaluation.everySteps
 * @param attribution how many examples pull against the alignment
 * @param memoryEstimateBytes the most memory that the process is expected to need at once
 * @param approval the question that the run waits to have answered; null while it asks none
 */
public record TrainingProgress(
    TrainingStage stage,
    int step,
    int totalSteps,
    Double etaSeconds,
    Double loss,
    Double alignmentLoss,
    Double conflictRatio,
    Double cosine,
    Double refusalRate,
    Double tokensPerSecond,
    Method.Name method,
    Integer interventions,
    Integer resumedAtStep,
    StepEvaluation evaluation,
    AttributionCounts attribution,
    Long memoryEstimateBytes,
    ApprovalRequest approval) {

  /** A run whose need of memory is not known. */
  public TrainingProgress(
      TrainingStage stage,
      int step,
      int totalSteps,
      Double etaSeconds,
      Double loss,
      Double alignmentLoss,
      Double conflictRatio,
      Double cosine,
      Double refusalRate,
      Double tokensPerSecond,
      Method.Name method,
      Integer interventions,
      Integer resumedAtStep,
      StepEvaluation evaluation,
      AttributionCounts attribution) {
    this(
        stage,
        step,
        totalSteps,
        etaSeconds,
        loss,
        alignmentLoss,
        conflictRatio,
        cosine,
        refusalRate,
        tokensPerSecond,
        method,
        interventions,
        resumedAtStep,
        evaluation,
        attribution,
        null,
        null);
  }

  /** A run of which nothing is known yet. */
  public static TrainingProgress preparing() {
    return new TrainingProgress(
        TrainingStage.PREPARING,
        0,
        0,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null);
  }
}
