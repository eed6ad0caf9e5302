package io.safegrad.trainer.report;

import io.safegrad.api.StepEvaluation;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.TrainingHistory;
import io.safegrad.trainer.telemetry.ValidationSummary;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.StepMetrics;
import java.util.ArrayList;
import java.util.List;

/** What is told of a run's steps, those of earlier attempts included. */
final class StepTally {

  static final int SERIES_STEPS = 1000;

  private final StepSeries<StepMetrics> series = new StepSeries<>(SERIES_STEPS, StepMetrics::step);
  private final StepSeries<StepEvaluation> evaluations =
      new StepSeries<>(SERIES_STEPS, StepEvaluation::step);
  private final List<Integer> resumedAfter = new ArrayList<>();
  private StepMetrics last;
  private Double firstLoss;
  private Double lastLoss;
  private Double lastAlignmentLoss;
  private long numTokens;
  private int conflicts;
  private int comparedSteps;
  private int interventions;
  private ValidationSummary measured;
  private double earlierSeconds;

  /** Goes on from a checkpoint. */
  void resume(TrainingHistory history) {
    last = history.last();
    firstLoss = history.firstLoss();
    lastLoss = history.lastLoss();
    lastAlignmentLoss = history.lastAlignmentLoss();
    series.resume(history.series());
    evaluations.resume(history.evaluations());
    numTokens = history.numTokens();
    comparedSteps = history.comparedSteps();
    conflicts = history.conflicts();
    interventions = history.interventions();
    measured = history.validation();
    earlierSeconds = history.seconds();
    resumedAfter.addAll(history.resumedAfter());
    resumedAfter.add(last.step());
  }

  void add(StepMetrics step) {
    last = step;
    firstLoss = firstLoss == null ? step.loss() : firstLoss;
    lastLoss = step.loss() == null ? lastLoss : step.loss();
    lastAlignmentLoss = step.alignmentLoss() == null ? lastAlignmentLoss : step.alignmentLoss();
    interventions += step.method().action() == MethodFigures.Action.NONE ? 0 : 1;
    series.add(step);
    numTokens += step.numTokens();
    if (step.validationLoss() != null) {
      measured = ValidationSummary.with(measured, step.step(), step.validationLoss());
    }
    if (step.conflict() != null) {
      comparedSteps++;
      conflicts += step.conflict() ? 1 : 0;
    }
  }

  void add(StepEvaluation evaluation) {
    evaluations.add(evaluation);
  }

  /** How many steps are done. */
  int done() {
    return last == null ? 0 : last.step();
  }

  /** Seconds that earlier attempts trained. */
  double earlierSeconds() {
    return earlierSeconds;
  }

  /** The share of the compared steps whose gradients conflict; null when none were compared. */
  Double conflictRatio() {
    return comparedSteps == 0 ? null : (Double) ((double) conflicts / comparedSteps);
  }

  /** The steps so far, for a checkpoint; there is at least one. */
  TrainingHistory history(Double seconds) {
    return new TrainingHistory(
        last,
        firstLoss,
        lastLoss,
        lastAlignmentLoss,
        series.all(),
        numTokens,
        comparedSteps,
        conflicts,
        interventions,
        measured,
        evaluations.all(),
        seconds,
        List.copyOf(resumedAfter));
  }

  /**
   * The same for the report; null before the first step.
   *
   * @param projected what Safe LoRA projected; null where it did not
   */
  RunReport.Training report(Double seconds, List<SafeLora.Module> projected) {
    if (last == null) {
      return null;
    }
    return new RunReport.Training(
        last.step(),
        numTokens,
        seconds,
        conflictRatio(),
        interventions,
        firstLoss,
        lastLoss,
        lastAlignmentLoss,
        measured,
        last.step() < last.totalSteps(),
        projected,
        List.copyOf(resumedAfter),
        evaluations.all(),
        series.all());
  }
}
