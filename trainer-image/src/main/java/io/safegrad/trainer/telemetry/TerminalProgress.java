package io.safegrad.trainer.telemetry;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.train.StepMetrics;
import java.io.Console;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on the standard error of a terminal; its ETA is that of the whole run. */
public final class TerminalProgress implements RunObserver, AutoCloseable {

  private static final int REFRESH_MILLIS = 250;
  private static final long UNKNOWN = -1;

  private final ProgressTracker progress;
  private final ProgressBarStyle style;
  private ProgressBar bar;

  /**
   * @param progress is told of each event before this one
   */
  public TerminalProgress(ProgressTracker progress, Console console) {
    this.progress = progress;
    this.style =
        StandardCharsets.UTF_8.equals(console.charset())
            ? ProgressBarStyle.UNICODE_BLOCK
            : ProgressBarStyle.ASCII;
  }

  @Override
  public void stageStarted(TrainingStage stage) {
    close();
    switch (stage) {
      case PREPARING, PUBLISHING, FINISHED -> {}
      case BASELINE_EVALUATION -> open("start model", "replies", UNKNOWN);
      case TRAINING -> open("training", "steps", progress.progress().totalSteps());
      case FINAL_EVALUATION -> open("tuned model", "replies", UNKNOWN);
    }
  }

  @Override
  public void resumed(TrainingHistory history) {
    bar.stepTo(history.last().step());
  }

  @Override
  public void stepDone(StepMetrics step) {
    bar.maxHint(step.totalSteps());
    bar.stepTo(step.step());
    bar.setExtraMessage(" " + RunLog.figures(progress.progress()));
  }

  @Override
  public void repliesDone(int done, int total) {
    if (progress.progress().stage() == TrainingStage.TRAINING) {
      bar.setExtraMessage(" evaluating %d/%d".formatted(done, total));
      return;
    }
    bar.maxHint(total);
    bar.stepTo(done);
  }

  @Override
  public void measured(EvaluatedModel model, SafetyMeasurements measurements) {
    bar.setExtraMessage(" refusal " + Rates.percent(measurements.refusal().rate()));
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private void open(String name, String unit, long max) {
    bar =
        new ProgressBarBuilder()
            .setTaskName(name)
            .setUnit(" " + unit, 1)
            .setInitialMax(max)
            .setStyle(style)
            .setUpdateIntervalMillis(REFRESH_MILLIS)
            .setEtaFunction(state -> remaining(progress.progress()))
            .build();
  }

  private static Optional<Duration> remaining(TrainingProgress progress) {
    return Optional.ofNullable(progress.etaSeconds())
        .map(seconds -> Duration.ofSeconds(Math.round(seconds)));
  }
}
