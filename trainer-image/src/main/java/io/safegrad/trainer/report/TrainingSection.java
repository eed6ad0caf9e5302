package io.safegrad.trainer.report;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.Rates;
import io.safegrad.trainer.telemetry.ValidationSummary;
import io.safegrad.trainer.train.StepMetrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What training did, step by step. */
final class TrainingSection {

  private final RunReport report;
  private final RunReport.Training training;
  private final Charts charts;
  private final List<Map<String, Object>> plots = new ArrayList<>();

  TrainingSection(RunReport report, Charts charts) {
    this.report = report;
    this.training = report.training();
    this.charts = charts;
  }

  Map<String, Object> section() {
    plot("loss", "Loss, nats", series("user's examples", StepMetrics::loss), validationLoss());
    plot("alignment", alignmentTitle(), series("alignment examples", StepMetrics::alignmentLoss));
    plot(
        "refusalKl",
        "KL on the start model's refusals, nats per refusal",
        kl("refusals", SafetyMeasurements::refusalKl));
    plot(
        "kl",
        "KL on the held-out alignment examples, nats per token",
        kl("held-out examples", SafetyMeasurements::safetyKl));
    plot("conflict", "Conflict ratio of the steps so far", conflictRatio());
    plot("cosine", "Cosine of the two gradients", series("cosine", StepMetrics::cosine));
    plot("weight", "Projection weight", series("weight", StepMetrics::projectionWeight));
    List<Map<String, Object>> tables = new ArrayList<>();
    tables.add(PageSection.table("Training", List.of("figure", "value"), figures()));
    if (training.safeLora() != null) {
      tables.add(safeLora());
    }
    return PageSection.of(
        "What did training do?",
        "At most %d steps are shown, evenly spread.".formatted(StepTally.SERIES_STEPS),
        plots,
        tables);
  }

  private String alignmentTitle() {
    Method.Name method = report.plan().method().name();
    boolean imitates = method == Method.Name.Lisa || method == Method.Name.Spag;
    return "Loss on the alignment set (%s), nats".formatted(imitates ? "cross-entropy" : "KL");
  }

  private List<List<String>> figures() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("method", report.plan().method().name().name()));
    rows.add(
        List.of(
            "steps", training.steps() + (training.stoppedEarly() ? ", fewer than planned" : "")));
    rows.add(List.of("tokens", Long.toString(training.numTokens())));
    rows.add(List.of("time", Rates.duration(training.seconds())));
    rows.add(List.of("conflict ratio", PageSection.number(training.conflictRatio())));
    rows.add(List.of("interventions", Integer.toString(training.interventions())));
    rows.add(List.of("first loss", Rates.nats(training.firstLoss())));
    rows.add(List.of("last loss", Rates.nats(training.lastLoss())));
    rows.add(List.of("last alignment loss", Rates.nats(training.lastAlignmentLoss())));
    ValidationSummary validation = training.validation();
    if (validation != null) {
      rows.add(
          List.of(
              "best validation loss",
              "%s after step %d"
                  .formatted(Rates.nats(validation.bestLoss()), validation.bestStep())));
    }
    rows.add(
        List.of(
            "resumed after steps",
            training.resumedAfter().isEmpty()
                ? "-"
                : training.resumedAfter().stream()
                    .map(String::valueOf)
                    .collect(Collectors.joining(", "))));
    return rows;
  }

  private Map<String, Object> safeLora() {
    List<List<String>> rows = new ArrayList<>();
    for (SafeLora.Module module : training.safeLora()) {
      rows.add(
          List.of(
              module.name(),
              PageSection.number(module.cosine()),
              module.projected() ? "yes" : "no"));
    }
    return PageSection.table("Safe LoRA's layers", List.of("layer", "cosine", "projected"), rows);
  }

  private void plot(String id, String title, Curve... curves) {
    List<Curve> drawn = Arrays.stream(curves).filter(each -> !each.isEmpty()).toList();
    if (!drawn.isEmpty()) {
      String description = drawn.stream().map(Curve::description).collect(Collectors.joining(" "));
      plots.add(
          PageSection.plot(
              title,
              charts.svg(
                  "overSteps",
                  id,
                  title,
                  description,
                  Map.of("share", id.equals("conflict"), "series", drawn))));
    }
  }

  private Curve series(String name, Function<StepMetrics, Double> figure) {
    Curve curve = new Curve(name, false);
    training.series().forEach(step -> curve.add(step.step(), figure.apply(step)));
    return curve;
  }

  private Curve validationLoss() {
    Curve curve = new Curve("held-back examples", true);
    if (report.validation() != null && report.validation().start() != null) {
      curve.add(0, report.validation().start().loss());
    }
    training.series().stream()
        .filter(step -> step.step() < training.steps())
        .forEach(step -> curve.add(step.step(), step.validationLoss()));
    if (report.validation() != null && report.validation().tuned() != null) {
      curve.add(training.steps(), report.validation().tuned().loss());
    }
    return curve;
  }

  private Curve kl(String name, Function<SafetyMeasurements, Double> divergence) {
    Curve curve = new Curve(name, true);
    curve.add(0, divergence.apply(report.measurements().start()));
    for (StepEvaluation each : training.evaluations()) {
      if (each.step() < training.steps()) {
        curve.add(each.step(), divergence.apply(each.measurements()));
      }
    }
    if (report.measurements().tuned() != null) {
      curve.add(training.steps(), divergence.apply(report.measurements().tuned()));
    }
    return curve;
  }

  private Curve conflictRatio() {
    Curve curve = new Curve("share of steps", false);
    int compared = 0;
    int conflicts = 0;
    for (StepMetrics step : training.series()) {
      if (step.conflict() != null) {
        compared++;
        conflicts += step.conflict() ? 1 : 0;
        curve.add(step.step(), (double) conflicts / compared);
      }
    }
    return curve;
  }
}
