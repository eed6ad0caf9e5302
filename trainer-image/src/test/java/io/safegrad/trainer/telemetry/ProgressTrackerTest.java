package io.safegrad.trainer.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.train.StepMetrics;
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
    sft.stepDone(new StepMetrics(1, 2, 1, null, null, null, null, 1, null, null, 1, 1e-4, 10, 1));
    assertThat(sft.progress().conflictRatio()).isNull();
    assertThat(sft.progress().cosine()).isNull();
  }

  private void pass(int seconds) {
    clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static StepMetrics step(int step, boolean conflict, double seconds) {
    return new StepMetrics(
        step,
        step <= 10 ? 10 : 100,
        1,
        0.1,
        -1.0,
        -0.1,
        conflict,
        1,
        1.0,
        1.5,
        1,
        1e-4,
        50,
        seconds);
  }
}
