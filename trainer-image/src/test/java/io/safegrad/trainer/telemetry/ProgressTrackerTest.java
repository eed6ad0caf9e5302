package io.safegrad.trainer.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.StepMetrics;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTrackerTest {

  private final AtomicLong clock = new AtomicLong();
  private final ProgressTracker tracker = new ProgressTracker(clock::get);

  @Test
  void nothingIsClaimedBeforeItIsKnown() {
    assertThat(tracker.progress()).isEqualTo(TrainingProgress.preparing());
  }

  @Test
  void theRemainingTimeCoversStepsAndTheFinalEvaluation() {
    tracker.stepsPlanned(10);
    tracker.stageStarted(TrainingStage.BASELINE_EVALUATION);
    pass(30);
    assertThat(tracker.progress().etaSeconds()).isNull();
    tracker.stageStarted(TrainingStage.TRAINING);
    assertThat(tracker.progress().etaSeconds()).isNull();

    for (int step = 1; step <= 4; step++) {
      pass(2);
      tracker.stepDone(step(step, step == 1, 2.0));
    }
    assertThat(tracker.progress().etaSeconds()).isEqualTo(6 * 2 + 30);
    pass(1);
    assertThat(tracker.progress().etaSeconds()).isEqualTo(5 * 2 + 1 + 30);

    tracker.stageStarted(TrainingStage.FINAL_EVALUATION);
    pass(10);
    assertThat(tracker.progress().etaSeconds()).isEqualTo(20);
    tracker.repliesDone(40, 100);
    assertThat(tracker.progress().etaSeconds()).isCloseTo(15, within(1e-9));

    tracker.stageStarted(TrainingStage.PUBLISHING);
    assertThat(tracker.progress().etaSeconds()).isZero();
  }

  @Test
  void theRemainingTimeCoversTheEvaluationsBetweenSteps() {
    tracker.stepsPlanned(10);
    tracker.evaluationsPlanned(2);
    tracker.stageStarted(TrainingStage.BASELINE_EVALUATION);
    pass(30);
    tracker.stageStarted(TrainingStage.TRAINING);
    tracker.stepDone(step(1, false, 2.0));
    tracker.stepDone(step(2, false, 2.0));
    assertThat(tracker.progress().etaSeconds()).isEqualTo(8 * 2 + 4 * 30 + 30);
    pass(20);
    assertThat(tracker.progress().etaSeconds()).isEqualTo(8 * 2 + 4 * 30 - 20 + 30);
    StepEvaluation evaluation =
        new StepEvaluation(
            2, 20, new SafetyMeasurements(Measurement.of(3, 4), Measurement.of(0, 4), null));
    tracker.evaluated(evaluation);

    assertThat(tracker.progress().evaluation()).isEqualTo(evaluation);
    assertThat(tracker.progress().etaSeconds()).isEqualTo(8 * 2 + 3 * 30 + 30);
    for (int step = 3; step <= 8; step++) {
      tracker.stepDone(step(step, false, 2.0));
    }
    tracker.evaluated(new StepEvaluation(8, 20, evaluation.measurements()));
    assertThat(tracker.progress().etaSeconds()).as("after step 10 the last one").isEqualTo(34);
  }

  @Test
  void ofExamplesThereAreOnlyNumbers() {
    Attribution.Example example = new Attribution.Example(7, 2.5, "sha256:ab", "a text");
    tracker.attributed(
        new Attribution(5, 300, 0.5, 1.5, List.of(3, 7), List.of(example, example, example), 40));
    assertThat(tracker.progress().attribution()).isEqualTo(new AttributionCounts(300, 2, 3));
  }

  @Test
  void aPaceThatChangesIsFollowed() {
    tracker.stageStarted(TrainingStage.TRAINING);
    for (int step = 1; step <= 40; step++) {
      tracker.stepDone(step(step, false, step <= 20 ? 100.0 : 1.0));
    }
    TrainingProgress progress = tracker.progress();

    assertThat(progress.tokensPerSecond()).isEqualTo(50.0);
    assertThat(progress.etaSeconds()).isEqualTo(60.0);
  }

  @Test
  void conflictsAreCountedWhereGradientsWereCompared() {
    tracker.stepDone(step(1, true, 1));
    tracker.stepDone(step(2, false, 1));
    assertThat(tracker.progress().conflictRatio()).isEqualTo(0.5);
    tracker.measured(
        EvaluatedModel.START,
        new SafetyMeasurements(Measurement.of(3, 4), Measurement.of(0, 4), null));
    assertThat(tracker.progress().refusalRate()).isEqualTo(0.75);

    ProgressTracker sft = new ProgressTracker(clock::get);
    assertThat(sft.progress().interventions()).isNull();
    sft.stepDone(
        new StepMetrics(
            1,
            2,
            1.0,
            null,
            null,
            null,
            null,
            1.0,
            null,
            null,
            1,
            1e-4,
            10,
            1,
            null,
            MethodFigures.of(Method.Name.Sft, Action.NONE)));
    assertThat(sft.progress().method()).isEqualTo(Method.Name.Sft);
    assertThat(sft.progress().interventions()).isZero();
    assertThat(sft.progress().conflictRatio()).isNull();
    assertThat(sft.progress().cosine()).isNull();
  }

  /** Lisa's turns have one loss each. */
  @Test
  void aLossStaysUntilThereIsANewerOne() {
    MethodFigures aligned = MethodFigures.of(Method.Name.Lisa, Action.ALIGNED);
    MethodFigures user = MethodFigures.of(Method.Name.Lisa, Action.NONE);
    tracker.stepDone(
        new StepMetrics(
            1, 2, null, 3.0, null, null, null, null, 1.0, null, 1, 1e-4, 10, 1, null, aligned));
    assertThat(tracker.progress().loss()).isNull();
    tracker.stepDone(
        new StepMetrics(
            2, 2, 2.0, null, null, null, null, 1.0, null, null, 1, 1e-4, 10, 1, null, user));
    assertThat(tracker.progress().loss()).isEqualTo(2.0);
    assertThat(tracker.progress().alignmentLoss()).isEqualTo(3.0);
    assertThat(tracker.progress().interventions()).isEqualTo(1);
  }

  @Test
  void aResumedRunSaysFromWhere() {
    assertThat(tracker.progress().resumedAtStep()).isNull();
    StepMetrics last = step(20, false, 1.0);
    tracker.resumed(
        new TrainingHistory(
            last, 2.0, 1.0, 0.1, List.of(last), 50, 20, 5, 5, null, List.of(), 20.0, List.of()));
    assertThat(tracker.progress().resumedAtStep()).isEqualTo(20);
    tracker.stepDone(step(21, false, 1.0));
    assertThat(tracker.progress().resumedAtStep()).isEqualTo(20);
    assertThat(tracker.progress().step()).isEqualTo(21);
  }

  private void pass(int seconds) {
    clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static StepMetrics step(int step, boolean conflict, double seconds) {
    return new StepMetrics(
        step,
        step <= 10 ? 10 : 100,
        1.0,
        0.1,
        -1.0,
        -0.1,
        conflict,
        1.0,
        1.0,
        1.5,
        1,
        1e-4,
        50,
        seconds,
        null,
        MethodFigures.of(Method.Name.SafeGrad, conflict ? Action.PROJECTED : Action.NONE));
  }
}
