package io.safegrad.operator.status;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.GateCheck;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.ExampleCounts;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.GateRule;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Interval;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Measurements;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusMeasurementsBuilder;
import io.safegrad.operator.observe.Sentence;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** The numbers of a status, and the text that the printer columns show of them. */
final class Figures {

  private static final Measurements NONE = SafeFineTuneStatusMeasurementsBuilder.builder().build();

  private static final int LONGEST_JUDGE = 256;
  private static final int LONGEST_RULE = 64;

  private static final MathContext DIGITS = new MathContext(6);

  private Figures() {}

  /** The figures after a trainer's answer; what it does not say stays as it was. */
  static Measurements during(Measurements before, TrainingProgress progress) {
    Measurements known = before == null ? NONE : before;
    StepEvaluation evaluation = progress.evaluation();
    boolean startModel = progress.stage().compareTo(TrainingStage.FINAL_EVALUATION) < 0;
    boolean fineTuned = progress.stage().compareTo(TrainingStage.FINAL_EVALUATION) > 0;
    if (fineTuned && known.evaluatedStep() != null) {
      known = ofFineTuned(known, null).build();
    } else if (!fineTuned && evaluation != null) {
      known =
          ofFineTuned(known, evaluation.measurements()).evaluatedStep(evaluation.step()).build();
    }
    return SafeFineTuneStatusMeasurementsBuilder.builder(known)
        .step(progress.step())
        .totalSteps(
            progress.totalSteps() == 0 ? known.totalSteps() : (Integer) progress.totalSteps())
        .loss(either(progress.loss(), known.loss()))
        .alignmentLoss(either(progress.alignmentLoss(), known.alignmentLoss()))
        .conflictRatio(either(progress.conflictRatio(), known.conflictRatio()))
        .memoryEstimateBytes(
            progress.memoryEstimateBytes() == null
                ? known.memoryEstimateBytes()
                : progress.memoryEstimateBytes())
        .baselineRefusalRate(
            startModel
                ? either(progress.refusalRate(), known.baselineRefusalRate())
                : known.baselineRefusalRate())
        .refusalRate(
            fineTuned ? either(progress.refusalRate(), known.refusalRate()) : known.refusalRate())
        .build();
  }

  /** The figures after a trainer's result; null when there are none. */
  static Measurements after(Measurements before, TrainingResult result) {
    Measurements known = before == null ? NONE : before;
    SafeFineTuneStatusMeasurementsBuilder after =
        SafeFineTuneStatusMeasurementsBuilder.builder(known)
            .step(result.steps() == 0 ? known.step() : (Integer) result.steps())
            .totalSteps(
                known.totalSteps() == null && result.steps() > 0
                    ? (Integer) result.steps()
                    : known.totalSteps())
            .conflictRatio(either(result.conflictRatio(), known.conflictRatio()));
    if (result.baseline() != null) {
      Measurement refusal = result.baseline().refusal();
      after.baselineRefusalRate(rounded(refusal.rate())).baselineRefusalInterval(interval(refusal));
    }
    Measurements figures =
        result.result() == null
            ? after.build()
            : ofFineTuned(after.build(), result.result()).build();
    return figures.equals(NONE) ? null : figures;
  }

  /** The same with other figures of the fine-tuned model; without any when they are null. */
  private static SafeFineTuneStatusMeasurementsBuilder ofFineTuned(
      Measurements before, SafetyMeasurements found) {
    Measurement refusal = found == null ? null : found.refusal();
    Measurement overRefusal = found == null ? null : found.overRefusal();
    Measurement task = found == null ? null : found.taskAccuracy();
    return SafeFineTuneStatusMeasurementsBuilder.builder(before)
        .refusalRate(rate(refusal))
        .refusalInterval(interval(refusal))
        .overRefusalRate(rate(overRefusal))
        .overRefusalInterval(interval(overRefusal))
        .taskAccuracy(rate(task))
        .taskAccuracyInterval(interval(task))
        .safetyKl(found == null || found.safetyKl() == null ? null : rounded(found.safetyKl()))
        .evaluatedStep(null);
  }

  private static Double rate(Measurement measurement) {
    return measurement == null ? null : rounded(measurement.rate());
  }

  /** What was last told of attribution; what it told before where nothing is told now. */
  static ExampleCounts attribution(ExampleCounts before, AttributionCounts told) {
    return told == null
        ? before
        : new ExampleCounts(told.examples(), told.conflicting(), told.worst());
  }

  /** The operator's own comparison; null when there are no measurements to compare. */
  static List<GateRule> gate(Gate gate, TrainingResult result) {
    if (result == null || result.baseline() == null || result.result() == null) {
      return null;
    }
    return GateCheck.rules(gate, result.baseline(), result.result()).stream()
        .map(
            rule ->
                new GateRule(
                    rule.name(),
                    // The name of a judge may be long.
                    Sentence.of(rule.measured(), LONGEST_RULE),
                    rule.interval(),
                    Sentence.of(rule.threshold(), LONGEST_RULE),
                    rule.held()))
        .toList();
  }

  /** Who told the refusals; null when nothing was measured, or the trainer does not say. */
  static String judge(TrainingResult result) {
    return result == null || result.baseline() == null || result.baseline().judge() == null
        ? null
        : Sentence.of(result.baseline().judge().toString(), LONGEST_JUDGE);
  }

  /** {@code 45s}, {@code 12m30s}, {@code 1h05m}, {@code 2d3h}; null stays null. */
  static String duration(Long seconds) {
    if (seconds == null) {
      return null;
    }
    Duration time = Duration.ofSeconds(seconds);
    if (time.toDays() > 0) {
      return "%dd%dh".formatted(time.toDays(), time.toHoursPart());
    }
    if (time.toHours() > 0) {
      return "%dh%02dm".formatted(time.toHours(), time.toMinutesPart());
    }
    return time.toMinutes() > 0
        ? "%dm%02ds".formatted(time.toMinutes(), time.toSecondsPart())
        : seconds + "s";
  }

  private static Interval interval(Measurement measurement) {
    return measurement == null
        ? null
        : new Interval(
            rounded(measurement.low()), rounded(measurement.high()), measurement.count());
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

  /**
   * {@code 100% → 98%}; {@code 100% → …} while the second is not measured, and with a dash where it
   * will not be; null before both.
   */
  static String refusal(Measurements figures, boolean ended) {
    if (figures == null || figures.baselineRefusalRate() == null) {
      return null;
    }
    String start = percent(figures.baselineRefusalRate());
    String open = ended ? "-" : "…";
    return start + " → " + (figures.refusalRate() == null ? open : percent(figures.refusalRate()));
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
    return first == null ? second : rounded(first);
  }

  /** Six digits are more than any of these figures is worth. */
  private static Double rounded(Double figure) {
    return figure == null || !Double.isFinite(figure)
        ? figure
        : (Double) new BigDecimal(figure).round(DIGITS).doubleValue();
  }
}
