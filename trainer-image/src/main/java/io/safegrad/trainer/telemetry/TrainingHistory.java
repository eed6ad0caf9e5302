package io.safegrad.trainer.telemetry;

import io.safegrad.api.StepEvaluation;
import io.safegrad.trainer.train.StepMetrics;
import java.util.List;

/**
 * What a run reports of its steps so far, over all of its attempts. A checkpoint holds it.
 *
 * @param last the newest step
 * @param firstLoss the first loss on the user's examples; null while there is none
 * @param lastLoss the newest one
 * @param lastAlignmentLoss the newest loss on the alignment examples; null while there is none
 * @param series some of the steps, evenly spread
 * @param numTokens tokens of both batches, padding not counted
 * @param comparedSteps steps that had two gradients
 * @param conflicts steps in which they conflicted
 * @param interventions steps in which the method did what it does in some steps only
 * @param validation what the validation losses were; null while there is none
 * @param evaluations of the model while it trained, evenly spread
 * @param seconds wall-clock seconds of training alone
 * @param resumedAfter how many steps were done each time that a later attempt took over
 */
public record TrainingHistory(
    StepMetrics last,
    Double firstLoss,
    Double lastLoss,
    Double lastAlignmentLoss,
    List<StepMetrics> series,
    long numTokens,
    int comparedSteps,
    int conflicts,
    int interventions,
    ValidationSummary validation,
    List<StepEvaluation> evaluations,
    double seconds,
    List<Integer> resumedAfter) {}
