package io.safegrad.trainer.report;

import io.safegrad.api.DataRefusal;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TemplateRefusal;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.telemetry.Rates;
import java.util.Locale;
import java.util.function.Function;

/** A result as a table for a terminal. */
public final class ResultTable {

  private static final String ROW = "%-14s %-28s %s%n";

  private ResultTable() {}

  /**
   * Measurements with their 95 % intervals, and where the adapter and the report are.
   *
   * @param place the folder of the adapter and the report
   */
  public static String of(TrainingResult result, String place) {
    StringBuilder table = new StringBuilder();
    table.append(row("", "start model", result.result() == null ? "" : "tuned model"));
    table.append(rates("refusal", result, SafetyMeasurements::refusal));
    table.append(rates("over-refusal", result, SafetyMeasurements::overRefusal));
    table.append(rates("task accuracy", result, SafetyMeasurements::taskAccuracy));
    table.append(rates("incoherent", result, SafetyMeasurements::incoherent));
    DataRefusal ofData = result.result() == null ? null : result.result().dataRefusal();
    if (ofData != null) {
      table.append(
          row(
              "of the data",
              "refuses %d of %d prompts".formatted(ofData.startRefused(), ofData.prompts()),
              Rates.kept(ofData)));
    }
    TemplateRefusal inTemplates =
        result.result() == null ? null : result.result().templateRefusal();
    if (inTemplates != null) {
      table.append(row("in a template", Rates.worstOfStart(inTemplates), Rates.worst(inTemplates)));
    }
    if (result.baseline().judge() != null) {
      table.append(row("judge", result.baseline().judge().name(), ""));
    }
    table.append(nats("KL on refusals", result, SafetyMeasurements::refusalKl));
    table.append(nats("held-out KL", result, SafetyMeasurements::safetyKl));
    if (result.conflictRatio() != null) {
      table.append(row("conflict", Rates.percent(result.conflictRatio()) + " of the steps", ""));
    }
    if (result.trainingSeconds() != null) {
      table.append(
          row(
              "training",
              result.steps() + " steps in " + Rates.duration(result.trainingSeconds()),
              ""));
    }
    table.append(row("adapter", result.artifact() == null ? "none" : place, ""));
    table.append(row("report", place + "/" + RunReport.FILE_NAME, ""));
    return table.toString();
  }

  /** Empty where none was measured. */
  private static String nats(
      String name, TrainingResult result, Function<SafetyMeasurements, Double> divergence) {
    Double start = divergence.apply(result.baseline());
    return start == null
        ? ""
        : row(
            name,
            Rates.nats(start),
            result.result() == null ? "" : Rates.nats(divergence.apply(result.result())));
  }

  private static String rates(
      String name, TrainingResult result, Function<SafetyMeasurements, Measurement> measurement) {
    String tuned =
        result.result() == null ? "" : Rates.withInterval(measurement.apply(result.result()));
    return row(name, Rates.withInterval(measurement.apply(result.baseline())), tuned);
  }

  private static String row(String name, String first, String second) {
    return String.format(Locale.ROOT, ROW, name, first, second).stripTrailing() + "\n";
  }
}
