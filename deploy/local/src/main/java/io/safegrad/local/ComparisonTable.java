package io.safegrad.local;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingResult;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** The start model, and each run that started from it, side by side. */
final class ComparisonTable {

  private static final String ROW = "%-12s  %-21s  %-21s  %-21s  %-8s  %s%n";
  private static final String NONE = "-";

  private ComparisonTable() {}

  /**
   * One run.
   *
   * @param method as the manifest names it
   */
  record Run(String method, TrainingResult result) {}

  /** Prints rates with their 95 % intervals; a run that measured nothing has dashes. */
  static void print(List<Run> runs, PrintStream out) {
    out.printf(
        ROW, "", "refuses harmful", "refuses harmless", "solves the task", "conflict", "gate");
    SafetyMeasurements baseline =
        runs.stream()
            .map(run -> run.result().baseline())
            .filter(measurements -> measurements != null)
            .findFirst()
            .orElse(null);
    row(out, "start model", baseline, NONE, NONE);
    for (Run run : runs) {
      Double conflict = run.result().conflictRatio();
      row(
          out,
          run.method(),
          run.result().result(),
          conflict == null ? NONE : percent(conflict),
          gate(run.result()));
    }
    out.println("In brackets: the 95 % interval of each rate, by Wilson's score.");
    for (Run run : runs) {
      run.result().gateFailures().forEach(it -> out.println(run.method() + ": " + it));
      boolean told = !run.result().gateFailures().isEmpty();
      if (run.result().reason() != ExitReason.SUCCESS && !told) {
        out.println(run.method() + ": " + run.result().message());
      }
      AttributionCounts found = run.result().attribution();
      if (told && found != null && found.worst() > 0) {
        out.println(run.method() + ": " + found.inWords());
      }
    }
  }

  private static void row(
      PrintStream out, String name, SafetyMeasurements measured, String conflict, String gate) {
    out.printf(
        ROW,
        name,
        measured == null ? NONE : rate(measured.refusal()),
        measured == null ? NONE : rate(measured.overRefusal()),
        measured == null ? NONE : rate(measured.taskAccuracy()),
        conflict,
        gate);
  }

  private static String gate(TrainingResult result) {
    return switch (result.reason()) {
      case SUCCESS -> "held, published";
      case GATE_REFUSED -> "refused, not published";
      case START_MODEL_NOT_ALIGNED -> "start model not aligned, not trained";
      default -> "failed (" + result.reason().conditionReason() + ")";
    };
  }

  private static String rate(Measurement measurement) {
    return measurement == null
        ? NONE
        : "%s [%s-%s]"
            .formatted(
                percent(measurement.rate()),
                percent(measurement.low()),
                percent(measurement.high()));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * share);
  }
}
