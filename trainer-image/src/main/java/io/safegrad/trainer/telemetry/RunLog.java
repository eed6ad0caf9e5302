package io.safegrad.trainer.telemetry;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs each stage, each measurement and, not too often, a step. For output that is kept. */
public final class RunLog implements RunObserver {

  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);
  private static final long INTERVAL_NANOS = Duration.ofSeconds(10).toNanos();

  private final ProgressTracker progress;
  private final LongSupplier nanoTime;
  private Long lastLine;

  public RunLog(ProgressTracker progress, LongSupplier nanoTime) {
    this.progress = progress;
    this.nanoTime = nanoTime;
  }

  @Override
  public void stageStarted(TrainingStage stage) {
    LOG.info("stage {}", stage);
  }

  @Override
  public void stepDone(StepMetrics step) {
    validationLoss(step);
    long now = nanoTime.getAsLong();
    boolean last = step.step() == step.totalSteps();
    if (last || lastLine == null || now - lastLine >= INTERVAL_NANOS) {
      lastLine = now;
      LOG.info("{}", line(progress.progress()));
    }
  }

  private static void validationLoss(StepMetrics step) {
    if (step.validationLoss() != null) {
      LOG.info(
          "step {}/{}  validation loss {}",
          step.step(),
          step.totalSteps(),
          String.format(Locale.ROOT, "%.4f", step.validationLoss()));
    }
  }

  @Override
  public void screened(Screened screened) {
    LOG.info("screening: {} ({} s)", screened.inWords(), Math.round(screened.seconds()));
  }

  @Override
  public void askedAgain(AskedAgain asked) {
    LOG.info(
        "prompts of the data that the start model refuses: {} of {} examples asked, of which {} have"
            + " one that the tuned model no longer refuses ({} s)",
        asked.asked(),
        asked.examples(),
        asked.lines().size(),
        Math.round(asked.seconds()));
  }

  @Override
  public void askedTemplates(AskedTemplates asked) {
    LOG.info(
        "harmful prompts in templates of the data: {} templates in {} examples, {} prompts in each"
            + " ({} s)",
        asked.found(),
        asked.examples(),
        asked.prompts(),
        Math.round(asked.seconds()));
  }

  @Override
  public void attributed(Attribution attribution) {
    LOG.info(
        "attribution after step {}: {} of {} examples stand apart in their conflict with the"
            + " alignment ({} s)",
        attribution.step(),
        attribution.condemned().size(),
        attribution.examples(),
        Math.round(attribution.seconds()));
  }

  @Override
  public void validated(EvaluatedModel model, ValidationLoss loss) {
    LOG.info(
        "{} model: validation loss {} over {} examples",
        model.label(),
        String.format(Locale.ROOT, "%.4f", loss.loss()),
        loss.examples());
  }

  @Override
  public void evaluated(StepEvaluation evaluation) {
    measured("after step " + evaluation.step(), evaluation.measurements());
  }

  @Override
  public void measured(EvaluatedModel model, SafetyMeasurements measurements) {
    measured(model.label() + " model", measurements);
  }

  private static void measured(String which, SafetyMeasurements measurements) {
    LOG.info(
        "{}: refusal {}, over-refusal {}, incoherent {}, task accuracy {}, KL on refusals {},"
            + " held-out KL {}{}{}",
        which,
        Rates.withInterval(measurements.refusal()),
        Rates.withInterval(measurements.overRefusal()),
        Rates.withInterval(measurements.incoherent()),
        Rates.withInterval(measurements.taskAccuracy()),
        Rates.nats(measurements.refusalKl()),
        Rates.nats(measurements.safetyKl()),
        measurements.dataRefusal() == null
            ? ""
            : ", refused of the data " + Rates.kept(measurements.dataRefusal()),
        measurements.templateRefusal() == null
            ? ""
            : ", in templates of the data at worst " + Rates.worst(measurements.templateRefusal()));
  }

  private static String line(TrainingProgress progress) {
    return String.format(
        Locale.ROOT,
        "step %d/%d  %s  %s tokens/s  %s left",
        progress.step(),
        progress.totalSteps(),
        figures(progress),
        progress.tokensPerSecond() == null ? "?" : Math.round(progress.tokensPerSecond()),
        progress.etaSeconds() == null ? "?" : Rates.duration(progress.etaSeconds()));
  }

  /** Loss, KL, conflict and what the newest evaluation found, in one short text. */
  static String figures(TrainingProgress progress) {
    StringBuilder text = new StringBuilder();
    if (progress.loss() != null) {
      text.append(String.format(Locale.ROOT, "loss %.3f", progress.loss()));
    }
    if (progress.alignmentLoss() != null) {
      text.append(String.format(Locale.ROOT, "  KL %.4f", Math.max(0, progress.alignmentLoss())));
    }
    if (progress.conflictRatio() != null) {
      text.append("  conflict ").append(Rates.percent(progress.conflictRatio()));
    }
    if (progress.evaluation() != null) {
      SafetyMeasurements found = progress.evaluation().measurements();
      text.append("  refusal ").append(Rates.percent(found.refusal().rate()));
      if (found.refusalKl() != null) {
        text.append(String.format(Locale.ROOT, "  KL on refusals %.4f", found.refusalKl()));
      }
      if (found.safetyKl() != null) {
        text.append(String.format(Locale.ROOT, "  held-out KL %.4f", found.safetyKl()));
      }
    }
    return text.toString();
  }
}
