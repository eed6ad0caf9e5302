package io.safegrad.trainer.report;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.train.MethodFigures;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.StepMetrics;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunJournalTest {

  @Test
  void aRunThatEndsEarlyStillTellsWhatItHadDone() {
    RunJournal journal = new RunJournal(Clock.systemUTC());
    journal.stageStarted(TrainingStage.TRAINING);
    journal.stepDone(step(1, true));
    journal.stepDone(step(2, false));
    journal.attributed(new Attribution(2, 300, 0.5, 1.5, List.of(3, 7), List.of(), 40));

    TrainingResult result =
        journal.result(
            ExitReason.PREEMPTED, "asked to stop", null, List.of(), List.of(), null, null);

    assertThat(result.steps()).isEqualTo(2);
    assertThat(result.conflictRatio()).isEqualTo(0.5);
    assertThat(result.trainingSeconds()).isNotNull();
    assertThat(result.attribution()).isEqualTo(new AttributionCounts(300, 2, 0));
    assertThat(result.result()).isNull();
    assertThat(result.artifact()).isNull();
  }

  @Test
  void theSeriesIsBoundedEvenAndHoldsTheFirstStep() {
    StepSeries<StepMetrics> series = new StepSeries<>(1000, StepMetrics::step);
    for (int step = 1; step <= 12_345; step++) {
      series.add(step(step, false));
    }

    List<Integer> kept = series.all().stream().map(StepMetrics::step).toList();
    assertThat(kept).hasSizeBetween(500, 1000);
    assertThat(kept.get(0)).isEqualTo(1);
    int stride = kept.get(1) - kept.get(0);
    for (int i = 1; i < kept.size(); i++) {
      assertThat(kept.get(i) - kept.get(i - 1)).isEqualTo(stride);
    }
    assertThat(kept.get(kept.size() - 1)).isGreaterThan(12_345 - stride);
  }

  @Test
  void aShortRunKeepsEachStep() {
    StepSeries<StepMetrics> series = new StepSeries<>(4, StepMetrics::step);
    for (int step = 1; step <= 4; step++) {
      series.add(step(step, false));
    }

    assertThat(series.all()).extracting(StepMetrics::step).containsExactly(1, 2, 3, 4);
  }

  /** They are at every third step, say, and the thinned series of a checkpoint goes on. */
  @Test
  void aSeriesOfEvaluationsIsThinnedTheSameWayAndGoesOn() {
    StepSeries<Integer> whole = new StepSeries<>(10, step -> step);
    StepSeries<Integer> resumed = new StepSeries<>(10, step -> step);
    for (int step = 3; step <= 300; step += 3) {
      if (step % 39 == 0) {
        StepSeries<Integer> next = new StepSeries<>(10, each -> each);
        next.resume(resumed.all());
        resumed = next;
      }
      whole.add(step);
      resumed.add(step);
    }

    assertThat(whole.all()).hasSizeBetween(5, 10).startsWith(3, 51, 99);
    assertThat(resumed.all()).isEqualTo(whole.all());
  }

  private static StepMetrics step(int step, boolean conflict) {
    return new StepMetrics(
        step,
        20_000,
        1.5,
        0.1,
        -1.0,
        -0.1,
        conflict,
        1.0,
        1.0,
        1.5,
        1.2,
        1e-4,
        100,
        0.1,
        null,
        MethodFigures.of(Method.Name.SafeGrad, conflict ? Action.PROJECTED : Action.NONE));
  }
}
