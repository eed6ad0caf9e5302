package io.safegrad.trainer.report;

import io.safegrad.api.DataRefusal;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TemplateRefusal;
import io.safegrad.trainer.telemetry.Rates;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** What was measured of the start model, of the tuned one, and of the model between steps. */
final class MeasuredSection {

  private static final Map<String, Function<SafetyMeasurements, Measurement>> RATES = rates();

  private final RunReport report;
  private final Charts charts;

  MeasuredSection(RunReport report, Charts charts) {
    this.report = report;
    this.charts = charts;
  }

  private static Map<String, Function<SafetyMeasurements, Measurement>> rates() {
    Map<String, Function<SafetyMeasurements, Measurement>> rates = new LinkedHashMap<>();
    rates.put("refusal", SafetyMeasurements::refusal);
    rates.put("over-refusal", SafetyMeasurements::overRefusal);
    rates.put("refusal, additional", SafetyMeasurements::additionalRefusal);
    rates.put("over-refusal, additional", SafetyMeasurements::additionalOverRefusal);
    rates.put("incoherent", SafetyMeasurements::incoherent);
    rates.put("task accuracy", SafetyMeasurements::taskAccuracy);
    return rates;
  }

  Map<String, Object> section() {
    List<Map<String, Object>> plots = new ArrayList<>(List.of(beforeAndAfter()));
    List<Map<String, Object>> tables = new ArrayList<>(List.of(table()));
    if (!evaluations().isEmpty()) {
      plots.add(overSteps());
      tables.add(betweenSteps());
    }
    return PageSection.of(
        "What was measured?",
        "Each rate with its 95%% Wilson interval and the number of prompts. Refusals were told by %s."
            .formatted(Objects.toString(report.measurements().start().judge(), "an unnamed judge")),
        plots,
        tables);
  }

  private Map<String, Object> beforeAndAfter() {
    SafetyMeasurements start = report.measurements().start();
    SafetyMeasurements tuned = report.measurements().tuned();
    List<String> names = new ArrayList<>();
    List<List<Double>> before = new ArrayList<>();
    List<List<Double>> after = new ArrayList<>();
    StringBuilder description = new StringBuilder();
    RATES.forEach(
        (name, rate) -> {
          if (rate.apply(start) == null) {
            return;
          }
          names.add(name);
          before.add(ends(rate.apply(start)));
          description.append(
              "%s: before %s".formatted(name, Rates.withInterval(rate.apply(start))));
          if (tuned != null) {
            after.add(ends(rate.apply(tuned)));
            description.append(", after ").append(Rates.withInterval(rate.apply(tuned)));
          }
          description.append(". ");
        });
    List<Map<String, Object>> series = new ArrayList<>();
    series.add(Map.of("name", "start model", "rates", before));
    if (tuned != null) {
      series.add(Map.of("name", "tuned model", "rates", after));
    }
    String title = "Rates before and after";
    return PageSection.plot(
        title,
        charts.svg(
            "sideBySide",
            "rates",
            title,
            description.toString(),
            Map.of("names", names, "series", series)));
  }

  private static List<Double> ends(Measurement rate) {
    return rate == null ? null : List.of(rate.rate(), rate.low(), rate.high());
  }

  private Map<String, Object> table() {
    SafetyMeasurements start = report.measurements().start();
    SafetyMeasurements tuned = report.measurements().tuned();
    List<List<String>> rows = new ArrayList<>();
    RATES.forEach(
        (name, rate) -> {
          if (rate.apply(start) != null) {
            rows.add(
                List.of(
                    name,
                    Rates.withInterval(rate.apply(start)),
                    Rates.withInterval(tuned == null ? null : rate.apply(tuned))));
          }
        });
    rows.add(nats("KL on the start model's refusals, a refusal", SafetyMeasurements::refusalKl));
    rows.add(nats("held-out KL", SafetyMeasurements::safetyKl));
    if (tuned != null && tuned.dataRefusal() != null) {
      DataRefusal asked = tuned.dataRefusal();
      rows.add(
          List.of(
              "refuses of the data's prompts",
              "%d of %d".formatted(asked.startRefused(), asked.prompts()),
              Rates.kept(asked)));
    }
    if (tuned != null && tuned.templateRefusal() != null) {
      TemplateRefusal asked = tuned.templateRefusal();
      rows.add(
          List.of(
              "refusal in the data's worst template",
              Rates.worstOfStart(asked),
              Rates.worst(asked)));
    }
    if (report.validation() != null) {
      rows.add(
          List.of(
              "validation loss",
              loss(report.validation().start()),
              loss(report.validation().tuned())));
    }
    return PageSection.table("Measurements", List.of("figure", "start model", "tuned model"), rows);
  }

  private List<String> nats(String name, Function<SafetyMeasurements, Double> divergence) {
    SafetyMeasurements tuned = report.measurements().tuned();
    return List.of(
        name,
        Rates.nats(divergence.apply(report.measurements().start())),
        Rates.nats(tuned == null ? null : divergence.apply(tuned)));
  }

  private static String loss(ValidationLoss measured) {
    return measured == null
        ? "-"
        : "%s over %d examples".formatted(Rates.nats(measured.loss()), measured.examples());
  }

  private List<StepEvaluation> evaluations() {
    return report.training() == null ? List.of() : report.training().evaluations();
  }

  private Map<String, Object> overSteps() {
    Curve refusal = curve("refusal", SafetyMeasurements::refusal);
    Curve overRefusal = curve("over-refusal", SafetyMeasurements::overRefusal);
    String title = "Refusal while it trained";
    return PageSection.plot(
        title,
        charts.svg(
            "overSteps",
            "evaluations",
            title,
            refusal.description() + " " + overRefusal.description(),
            Map.of("share", true, "series", List.of(refusal, overRefusal))));
  }

  /** From the start model over the evaluations between steps to the tuned model. */
  private Curve curve(String name, Function<SafetyMeasurements, Measurement> rate) {
    Curve curve = new Curve(name, true);
    curve.add(0, rate.apply(report.measurements().start()));
    for (StepEvaluation each : evaluations()) {
      if (each.step() < report.training().steps()) {
        curve.add(each.step(), rate.apply(each.measurements()));
      }
    }
    if (report.measurements().tuned() != null) {
      curve.add(report.training().steps(), rate.apply(report.measurements().tuned()));
    }
    return curve;
  }

  private Map<String, Object> betweenSteps() {
    List<String> asked =
        RATES.keySet().stream()
            .filter(name -> RATES.get(name).apply(report.measurements().start()) != null)
            .toList();
    List<String> headers = new ArrayList<>(List.of("after step"));
    headers.addAll(asked);
    headers.addAll(List.of("KL on refusals", "held-out KL", "took"));
    List<List<String>> rows = new ArrayList<>();
    for (StepEvaluation each : evaluations()) {
      List<String> row = new ArrayList<>(List.of(Integer.toString(each.step())));
      asked.forEach(
          name -> row.add(Rates.withInterval(RATES.get(name).apply(each.measurements()))));
      row.add(Rates.nats(each.measurements().refusalKl()));
      row.add(Rates.nats(each.measurements().safetyKl()));
      row.add(Rates.duration(each.seconds()));
      rows.add(row);
    }
    return PageSection.table("While it trained", headers, rows);
  }
}
