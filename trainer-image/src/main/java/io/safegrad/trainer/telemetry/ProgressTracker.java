package io.safegrad.trainer.telemetry;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.AttributionCounts;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.StepMetrics;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * Keeps what {@code GET /progress} answers. The remaining time covers the whole run: the steps
 * still to do at the pace of the last ones, and evaluations as long as the first.
 */
public final class ProgressTracker implements RunObserver {

  private static final int WINDOW = 20;
  private static final double NANOS = 1e9;

  private final LongSupplier nanoTime;
  private final Deque<StepMetrics> lastSteps = new ArrayDeque<>();
  private TrainingStage stage = TrainingStage.PREPARING;
  private int step;
  private int totalSteps;
  private Integer resumedAtStep;
  private Long memoryEstimateBytes;
  private int conflicts;
  private int comparedSteps;
  private int interventions;
  private Method.Name method;
  private Double loss;
  private Double alignmentLoss;
  private Double refusalRate;
  private int evaluationSteps;
  private int evaluatedSteps;
  private StepEvaluation evaluation;
  private AttributionCounts attribution;
  private ApprovalRequest approval;
  private double baselineSeconds;
  private double repliesShare;
  private long stageStart;
  private long stepEnd;

  /**
   * @param nanoTime the clock, {@code System::nanoTime} outside of tests
   */
  public ProgressTracker(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.stageStart = nanoTime.getAsLong();
  }

  @Override
  public synchronized void stageStarted(TrainingStage next) {
    if (stage == TrainingStage.BASELINE_EVALUATION) {
      baselineSeconds = secondsSince(stageStart);
    }
    stage = next;
    stageStart = nanoTime.getAsLong();
    stepEnd = stageStart;
    repliesShare = 0;
  }

  @Override
  public synchronized void memoryEstimated(MemoryEstimate estimate) {
    memoryEstimateBytes = estimate.bytes();
  }

  @Override
  public synchronized void stepsPlanned(int steps) {
    totalSteps = steps;
  }

  @Override
  public synchronized void evaluationsPlanned(int everySteps) {
    evaluationSteps = everySteps;
  }

  @Override
  public synchronized void resumed(TrainingHistory history) {
    step = history.last().step();
    resumedAtStep = step;
    comparedSteps = history.comparedSteps();
    conflicts = history.conflicts();
    interventions = history.interventions();
    method = history.last().method().name();
    loss = history.lastLoss();
    alignmentLoss = history.lastAlignmentLoss();
    // That of the newest step is still to come.
    evaluatedSteps = step - 1;
    history.evaluations().stream()
        .reduce((older, newer) -> newer)
        .ifPresent(newest -> evaluation = newest);
    stepEnd = nanoTime.getAsLong();
  }

  @Override
  public synchronized void stepDone(StepMetrics metrics) {
    step = metrics.step();
    totalSteps = metrics.totalSteps();
    stepEnd = nanoTime.getAsLong();
    if (metrics.conflict() != null) {
      comparedSteps++;
      conflicts += metrics.conflict() ? 1 : 0;
    }
    interventions += metrics.method().action() == MethodFigures.Action.NONE ? 0 : 1;
    method = metrics.method().name();
    loss = metrics.loss() == null ? loss : metrics.loss();
    alignmentLoss = metrics.alignmentLoss() == null ? alignmentLoss : metrics.alignmentLoss();
    lastSteps.addLast(metrics);
    if (lastSteps.size() > WINDOW) {
      lastSteps.removeFirst();
    }
  }

  @Override
  public synchronized void repliesDone(int done, int total) {
    repliesShare = (double) done / total;
  }

  @Override
  public synchronized void evaluated(StepEvaluation found) {
    evaluation = found;
    evaluatedSteps = found.step();
    stepEnd = nanoTime.getAsLong();
  }

  @Override
  public synchronized void measured(EvaluatedModel model, SafetyMeasurements measurements) {
    refusalRate = measurements.refusal().rate();
  }

  @Override
  public synchronized void attributed(Attribution found) {
    attribution = found.counts();
  }

  @Override
  public synchronized void approvalAsked(ApprovalRequest request) {
    approval = request;
  }

  @Override
  public synchronized void approvalAnswered(Approval answer) {
    approval = null;
  }

  /** Where the run stands now. */
  public synchronized TrainingProgress progress() {
    StepMetrics last = lastSteps.peekLast();
    return new TrainingProgress(
        stage,
        step,
        totalSteps,
        etaSeconds(),
        loss,
        alignmentLoss,
        comparedSteps == 0 ? null : (Double) ((double) conflicts / comparedSteps),
        last == null ? null : last.cosine(),
        refusalRate,
        tokensPerSecond(),
        method,
        method == null ? null : (Integer) interventions,
        resumedAtStep,
        evaluation,
        attribution,
        memoryEstimateBytes,
        approval);
  }

  private Double etaSeconds() {
    return switch (stage) {
      case PREPARING, BASELINE_EVALUATION -> null;
      case TRAINING ->
          lastSteps.isEmpty()
              ? null
              : (Double)
                  (Math.max(
                          0,
                          (totalSteps - step) * stepSeconds()
                              + evaluationsLeft() * baselineSeconds
                              - secondsSince(stepEnd))
                      + baselineSeconds);
      case FINAL_EVALUATION -> finalEvaluationSeconds();
      case PUBLISHING, FINISHED -> 0.0;
    };
  }

  /** None follows the last step: the final evaluation does. */
  private int evaluationsLeft() {
    return evaluationSteps == 0
        ? 0
        : Math.max(0, (totalSteps - 1) / evaluationSteps - evaluatedSteps / evaluationSteps);
  }

  private double finalEvaluationSeconds() {
    double elapsed = secondsSince(stageStart);
    return repliesShare > 0
        ? elapsed / repliesShare - elapsed
        : Math.max(0, baselineSeconds - elapsed);
  }

  private double stepSeconds() {
    return lastSteps.stream().mapToDouble(StepMetrics::seconds).average().orElse(0);
  }

  private Double tokensPerSecond() {
    double seconds = lastSteps.stream().mapToDouble(StepMetrics::seconds).sum();
    return seconds > 0
        ? (Double) (lastSteps.stream().mapToInt(StepMetrics::numTokens).sum() / seconds)
        : null;
  }

  private double secondsSince(long start) {
    return (nanoTime.getAsLong() - start) / NANOS;
  }
}
