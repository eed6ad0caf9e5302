package io.safegrad.operator.status;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Measurements;
import java.util.Locale;

/** The numbers of a status, and the text that the printer columns show of them. */
final class Figures {

  private static final Measurements NONE =
      new Measurements(null, null, null, null, null, null, null, null, null);

  private Figures() {}

  /** The figures after a trainer's answer; what it does not say stays as it was. */
  static Measurements during(Measurements before, TrainingProgress progress) {
    Measurements known = before == null ? NONE : before;
    boolean startModel = progress.stage().compareTo(TrainingStage.FINAL_EVALUATION) < 0;
    boolean fineTuned = progress.stage().compareTo(TrainingStage.FINAL_EVALUATION) > 0;
    return new Measurements(
        progress.step(),
        progress.totalSteps() == 0 ? known.totalSteps() : (Integer) progress.totalSteps(),
        either(progress.loss(), known.loss()),
        either(progress.alignmentLoss(), known.alignmentLoss()),
        either(progress.conflictRatio(), known.conflictRatio()),
        startModel
            ? either(progress.refusalRate(), known.baselineRefusalRate())
            : known.baselineRefusalRate(),
        fineTuned ? either(progress.refusalRate(), known.refusalRate()) : known.refusalRate(),
        known.overRefusalRate(),
        known.taskAccuracy());
  }

  /** The figures after a trainer's result. */
  static Measurements after(Measurements before, TrainingResult result) {
    Measurements known = before == null ? NONE : before;
    SafetyMeasurements start = result.baseline();
    SafetyMeasurements end = result.result();
    return new Measurements(
        result.steps() == 0 ? known.step() : (Integer) result.steps(),
        known.totalSteps() == null && result.steps() > 0
            ? (Integer) result.steps()
            : known.totalSteps(),
        known.loss(),
        known.alignmentLoss(),
        either(result.conflictRatio(), known.conflictRatio()),
        start == null ? known.baselineRefusalRate() : (Double) start.refusal().rate(),
        end == null ? known.refusalRate() : (Double) end.refusal().rate(),
        end == null ? known.overRefusalRate() : (Double) end.overRefusal().rate(),
        end == null || end.taskAccuracy() == null
            ? known.taskAccuracy()
            : (Double) end.taskAccuracy().rate());
  }

  /** {@code 120/400 (30%)}; null before the number of steps is known. */
  static String progress(Measurements figures) {
    if (figures == null || figures.step() == null || figures.totalSteps() == null) {
      return null;
    }
    return "%d/%d (%d%%)"
        .formatted(
            figures.step(),
            figures.totalSteps(),
            figures.totalSteps() == 0 ? 0 : 100L * figures.step() / figures.totalSteps());
  }

  /** {@code 41%}; null before the first step. */
  static String conflict(Measurements figures) {
    return figures == null ? null : percent(figures.conflictRatio());
  }

  /** {@code 100% → 98%}, the first alone while the second is not measured; null before both. */
  static String refusal(Measurements figures) {
    if (figures == null || figures.baselineRefusalRate() == null) {
      return null;
    }
    String start = percent(figures.baselineRefusalRate());
    return figures.refusalRate() == null ? start : start + " → " + percent(figures.refusalRate());
  }

  /** Whole percents, but never 100% of what is less, nor 0% of what is more. */
  private static String percent(Double share) {
    if (share == null) {
      return null;
    }
    long rounded = Math.round(100 * share);
    boolean hides = (rounded == 100 && share < 1) || (rounded == 0 && share > 0);
    return hides ? String.format(Locale.ROOT, "%.1f%%", 100 * share) : rounded + "%";
  }

  private static Double either(Double first, Double second) {
    return first == null ? second : first;
  }
}
