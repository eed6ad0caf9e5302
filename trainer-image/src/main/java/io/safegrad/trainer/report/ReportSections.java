package io.safegrad.trainer.report;

import io.safegrad.api.GateRule;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.telemetry.Rates;
import io.safegrad.trainer.train.StepMetrics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** What the page of a report shows, in an auditor's order, as its template takes it. */
final class ReportSections {

  private final RunReport report;

  ReportSections(RunReport report) {
    this.report = report;
  }

  List<Map<String, Object>> all() {
    List<Map<String, Object>> sections = new ArrayList<>();
    sections.add(gate());
    sections.add(measured());
    if (report.training() != null) {
      sections.add(training());
    }
    if (report.attribution() != null) {
      sections.add(examples(report.attribution()));
    }
    sections.add(inputs());
    if (report.artifact() != null) {
      sections.add(artifact());
    }
    sections.add(environment());
    sections.add(plan());
    return sections;
  }

  private Map<String, Object> gate() {
    List<List<String>> rows = new ArrayList<>();
    for (GateRule rule : report.verdict().rules()) {
      rows.add(
          List.of(
              rule.name(),
              rule.held() ? "held" : "FAILED",
              number(rule.value()),
              rule.low() == null ? "-" : number(rule.low()) + " to " + number(rule.high()),
              number(rule.threshold()),
              rule.compared().name()));
    }
    String note =
        rows.isEmpty()
            ? "The gate was not asked: the run ended before there was a tuned model to measure."
            : "Rates are shares from 0 to 1, the divergence is in nats. Refusals were told by %s."
                .formatted(judge());
    return section(
        "Was it allowed?",
        note,
        List.of(),
        rows.isEmpty()
            ? List.of()
            : List.of(
                table(
                    "Rules of the gate",
                    List.of("rule", "outcome", "measured", "95% interval", "threshold", "compared"),
                    rows)));
  }

  private String judge() {
    JudgeIdentity judge = report.measurements().start().judge();
    return judge == null ? "an unnamed judge" : judge.name();
  }

  private Map<String, Object> measured() {
    SafetyMeasurements start = report.measurements().start();
    SafetyMeasurements tuned = report.measurements().tuned();
    List<IntervalPlot.Row> rates = new ArrayList<>();
    rate("refusal", start, tuned, SafetyMeasurements::refusal, rates);
    rate("over-refusal", start, tuned, SafetyMeasurements::overRefusal, rates);
    rate("refusal, own", start, tuned, SafetyMeasurements::additionalRefusal, rates);
    rate("over-ref., own", start, tuned, SafetyMeasurements::additionalOverRefusal, rates);
    rate("incoherent", start, tuned, SafetyMeasurements::incoherent, rates);
    rate("task accuracy", start, tuned, SafetyMeasurements::taskAccuracy, rates);
    List<List<String>> rows = new ArrayList<>();
    for (IntervalPlot.Row each : rates) {
      rows.add(
          List.of(
              each.name(), Rates.withInterval(each.before()), Rates.withInterval(each.after())));
    }
    rows.add(
        List.of(
            "held-out KL",
            Rates.nats(start.safetyKl()),
            Rates.nats(tuned == null ? null : tuned.safetyKl())));
    return section(
        "What was measured?",
        "Each rate with its 95%% Wilson interval, before (hollow) and after (filled). Refusals were told by %s."
            .formatted(Objects.toString(start.judge(), "an unnamed judge")),
        List.of(plot("Rates before and after", IntervalPlot.svg("rates", "Rates", rates))),
        List.of(table("Measurements", List.of("figure", "start model", "tuned model"), rows)));
  }

  private static void rate(
      String name,
      SafetyMeasurements start,
      SafetyMeasurements tuned,
      Function<SafetyMeasurements, Measurement> which,
      List<IntervalPlot.Row> rates) {
    Measurement before = which.apply(start);
    if (before != null) {
      rates.add(new IntervalPlot.Row(name, before, tuned == null ? null : which.apply(tuned)));
    }
  }

  private Map<String, Object> training() {
    RunReport.Training training = report.training();
    List<Map<String, Object>> plots = new ArrayList<>();
    line("loss", "Loss on the user's examples", "nats", StepMetrics::loss, plots);
    line("kl", "Loss on the alignment set (KL)", "nats", StepMetrics::alignmentLoss, plots);
    conflictRatio(plots);
    line("cosine", "Cosine of the two gradients", "1", StepMetrics::cosine, plots);
    line("weight", "Projection weight", "1", StepMetrics::projectionWeight, plots);
    return section(
        "What did training do?",
        "At most %d steps are shown, evenly spread.".formatted(RunJournal.SERIES_STEPS),
        plots,
        List.of(
            table(
                "Training",
                List.of("figure", "value"),
                List.of(
                    List.of("method", report.plan().method().name().name()),
                    List.of("steps", Integer.toString(training.steps())),
                    List.of("tokens", Long.toString(training.numTokens())),
                    List.of("time", Rates.duration(training.seconds())),
                    List.of("conflict ratio", number(training.conflictRatio())),
                    List.of("interventions", Integer.toString(training.interventions())),
                    List.of("first loss", number(training.firstLoss())),
                    List.of("last loss", number(training.lastLoss())),
                    List.of(
                        "resumed after steps",
                        training.resumedAfter().isEmpty()
                            ? "-"
                            : training.resumedAfter().toString())))));
  }

  private void line(
      String id,
      String title,
      String unit,
      Function<StepMetrics, Double> figure,
      List<Map<String, Object>> plots) {
    List<LinePlot.Point> points =
        report.training().series().stream()
            .filter(step -> figure.apply(step) != null && Double.isFinite(figure.apply(step)))
            .map(step -> new LinePlot.Point(step.step(), figure.apply(step)))
            .toList();
    if (!points.isEmpty()) {
      String shown = unit.equals("1") ? title : title + ", " + unit;
      plots.add(plot(shown, LinePlot.svg(id, title, unit, points)));
    }
  }

  private void conflictRatio(List<Map<String, Object>> plots) {
    List<StepMetrics> compared =
        report.training().series().stream().filter(step -> step.conflict() != null).toList();
    List<LinePlot.Point> points = new ArrayList<>();
    int conflicts = 0;
    for (StepMetrics step : compared) {
      conflicts += step.conflict() ? 1 : 0;
      points.add(new LinePlot.Point(step.step(), (double) conflicts / (points.size() + 1)));
    }
    if (!points.isEmpty()) {
      String title = "Conflict ratio of the steps so far";
      plots.add(plot(title, LinePlot.svg("conflict", title, "shares", points)));
    }
  }

  private Map<String, Object> examples(Attribution attribution) {
    boolean excerpts =
        attribution.worst().stream().map(Attribution.Example::excerpt).anyMatch(Objects::nonNull);
    List<String> headers = new ArrayList<>(List.of("line", "conflict", "stands apart", "record"));
    if (excerpts) {
      headers.add("excerpt");
    }
    List<List<String>> rows = new ArrayList<>();
    for (Attribution.Example example : attribution.worst()) {
      List<String> row = new ArrayList<>();
      row.add(Integer.toString(example.line()));
      row.add(number(example.conflict()));
      row.add(attribution.condemned().contains(example.line()) ? "yes" : "no");
      row.add(Objects.requireNonNullElse(example.digest(), "-"));
      if (excerpts) {
        row.add(Objects.requireNonNullElse(example.excerpt(), "-"));
      }
      rows.add(row);
    }
    return section(
        "Which examples pull against the alignment?",
        "Of %d examples, measured after step %d, %d stand apart from all others. Each is named by its line and the hash of its record."
            .formatted(attribution.examples(), attribution.step(), attribution.condemned().size()),
        List.of(),
        List.of(table("Examples with the largest conflict", headers, rows)));
  }

  private Map<String, Object> inputs() {
    List<List<String>> rows = new ArrayList<>();
    for (RunReport.Input input : report.inputs()) {
      rows.add(
          List.of(
              input.field(),
              input.uri(),
              Objects.requireNonNullElse(input.commit(), "-"),
              input.examples() == null ? "-" : input.examples().toString(),
              input.digest()));
    }
    List<Map<String, Object>> tables = new ArrayList<>();
    tables.add(
        table(
            "Models and data sets",
            List.of("field", "address", "commit", "records", "SHA-256"),
            rows));
    for (RunReport.Input input : report.inputs()) {
      if (!input.files().isEmpty()) {
        List<List<String>> files = new ArrayList<>();
        input.files().forEach((name, digest) -> files.add(List.of(name, digest)));
        tables.add(table("Files of " + input.field(), List.of("file", "SHA-256"), files));
      }
    }
    return section("What went in?", "", List.of(), tables);
  }

  private Map<String, Object> artifact() {
    List<List<String>> rows = new ArrayList<>();
    for (RunReport.PublishedFile file : report.artifact().files()) {
      rows.add(List.of(file.name(), Long.toString(file.bytes()), file.digest()));
    }
    return section(
        "What came out?",
        report.artifact().uri(),
        List.of(),
        List.of(table("Published files", List.of("file", "bytes", "SHA-256"), rows)));
  }

  private Map<String, Object> environment() {
    RunVersions versions = report.environment();
    List<List<String>> seconds = new ArrayList<>();
    report.seconds().forEach((stage, time) -> seconds.add(List.of(stage, number(time))));
    return section(
        "Where did it run?",
        "",
        List.of(),
        List.of(
            table(
                "Environment",
                List.of("part", "version"),
                List.of(
                    List.of("SafeGrad", versions.safegrad()),
                    List.of("DJL", versions.djl()),
                    List.of("libtorch", versions.libtorch()),
                    List.of("Java", versions.java()),
                    List.of("system", versions.os()),
                    List.of("threads", Integer.toString(versions.threads())))),
            table("Stages of the last attempt", List.of("stage", "seconds"), seconds),
            table("Memory of the last attempt", List.of("part", "MiB"), memory())));
  }

  private List<List<String>> memory() {
    RunReport.Memory memory = report.memory();
    if (memory == null) {
      return List.of();
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("peak", memory.peakBytes() == null ? "-" : mebibytes(memory.peakBytes())));
    rows.add(List.of("estimate", mebibytes(memory.estimateBytes())));
    memory.parts().forEach((part, bytes) -> rows.add(List.of("of it: " + part, mebibytes(bytes))));
    return rows;
  }

  private static String mebibytes(long bytes) {
    return Long.toString(Math.round(bytes / (double) (1 << 20)));
  }

  private Map<String, Object> plan() {
    Map<String, Object> section = section("The plan", "", List.of(), List.of());
    section.put("code", report.plan().toYaml());
    return section;
  }

  private static Map<String, Object> section(
      String title,
      String note,
      List<Map<String, Object>> plots,
      List<Map<String, Object>> tables) {
    Map<String, Object> section = new LinkedHashMap<>();
    section.put("title", title);
    section.put("note", note);
    section.put("plots", plots);
    section.put("tables", tables);
    section.put("code", "");
    return section;
  }

  private static Map<String, Object> plot(String title, String svg) {
    return Map.of("title", title, "svg", svg);
  }

  private static Map<String, Object> table(
      String caption, List<String> headers, List<List<String>> rows) {
    return Map.of("caption", caption, "headers", headers, "rows", rows);
  }

  private static String number(Double value) {
    return value == null || !Double.isFinite(value)
        ? "-"
        : String.format(Locale.ROOT, Math.abs(value) < 1e-3 && value != 0 ? "%.2e" : "%.4f", value);
  }
}
