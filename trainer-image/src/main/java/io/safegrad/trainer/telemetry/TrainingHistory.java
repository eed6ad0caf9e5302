package io.safegrad.trainer.telemetry;

import io.safegrad.trainer.train.StepMetrics;
import java.util.List;

/**
 * What a run reports of its steps so far, over all of its attempts. A checkpoint holds it.
 *
 * @param first the first step
 * @param last the newest step
 * @param series some of the steps, evenly spread
 * @param numTokens tokens of both batches, padding not counted
 * @param comparedSteps steps that had two gradients
 * @param conflicts steps in which they conflicted
 * @param seconds wall-clock seconds of training alone
 * @param resumedAfter how many steps were done each time that a later attempt took over
 */
public record TrainingHistory(
    StepMetrics first,
    StepMetrics last,
    List<StepMetrics> series,
    long numTokens,
    int comparedSteps,
    int conflicts,
    double seconds,
    List<Integer> resumedAfter) {}
