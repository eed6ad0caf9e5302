package io.safegrad.trainer.report;

import io.safegrad.api.DataRefusal;
import io.safegrad.api.GateCheck;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.telemetry.Rates;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** What the page of a report shows, in an auditor's order, as its template takes it. */
final class ReportSections {

  private static final int SHOWN_LINES = 200;

  private final RunReport report;
  private final Charts charts = new Charts();

  ReportSections(RunReport report) {
    this.report = report;
  }

  List<Map<String, Object>> all() {
    List<Map<String, Object>> sections = new ArrayList<>();
    sections.add(gate());
    sections.add(new MeasuredSection(report, charts).section());
    if (report.training() != null) {
      sections.add(new TrainingSection(report, charts).section());
    }
    if (report.screened() != null) {
      sections.add(screened(report.screened()));
    }
    if (report.askedAgain() != null) {
      sections.add(askedAgain(report.askedAgain()));
    }
    if (report.askedTemplates() != null) {
      sections.add(askedTemplates(report.askedTemplates()));
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
    for (GateCheck.Rule rule : compared()) {
      rows.add(
          List.of(
              rule.name(),
              rule.held() ? "held" : "FAILED",
              rule.measured(),
              rule.interval(),
              rule.threshold(),
              rule.numbers().compared().name()));
    }
    return PageSection.of(
        "Was it allowed?",
        rows.isEmpty()
            ? "The gate was not asked: the run ended before there was a tuned model to measure."
            : "What of each measurement was compared stands beside it. Refusals were told by %s."
                .formatted(judge()),
        List.of(),
        rows.isEmpty()
            ? List.of()
            : List.of(
                PageSection.table(
                    "Rules of the gate",
                    List.of("rule", "outcome", "measured", "95% interval", "expected", "compared"),
                    rows)));
  }

  /** The rules in words; their numbers are those of the verdict. */
  private List<GateCheck.Rule> compared() {
    RunReport.Measurements measured = report.measurements();
    return report.verdict().rules().isEmpty()
        ? List.of()
        : GateCheck.rules(report.verdict().gate(), measured.start(), measured.tuned());
  }

  private String judge() {
    JudgeIdentity judge = report.measurements().start().judge();
    return judge == null ? "an unnamed judge" : judge.name();
  }

  private static Map<String, Object> screened(Screened screened) {
    return PageSection.of(
        "Which examples does the start model refuse?",
        "Before training it was asked their prompts: %s%s."
            .formatted(screened.inWords(), lines(screened.lines())),
        List.of(),
        List.of());
  }

  private Map<String, Object> askedAgain(AskedAgain asked) {
    DataRefusal counts = report.measurements().tuned().dataRefusal();
    return PageSection.of(
        "What is no longer refused of the data?",
        "The start model was asked the prompts of %d of the %d examples, and refuses %d of %d. The tuned model no longer refuses %d of these%s. On those that it still refuses it diverges by %s for each that the start model refuses."
            .formatted(
                asked.asked(),
                asked.examples(),
                counts.startRefused(),
                counts.prompts(),
                counts.startRefused() - counts.refused(),
                lines(asked.lines()),
                Rates.nats(counts.refusalKl())),
        List.of(),
        List.of());
  }

  private static Map<String, Object> askedTemplates(AskedTemplates asked) {
    List<List<String>> rows = new ArrayList<>();
    for (AskedTemplates.Asked template : asked.templates()) {
      rows.add(
          List.of(
              Integer.toString(template.examples()),
              template.lines().stream().map(String::valueOf).collect(Collectors.joining(", ")),
              Integer.toString(template.startRefused()),
              Integer.toString(template.refused()),
              Integer.toString(template.stockReplies()),
              Rates.nats(template.refusalKl())));
    }
    return PageSection.of(
        "What do the models say to harm in the data's own templates?",
        "%d examples were looked at, and have %d templates: beginnings and ends that several share. In each, both models were asked %d of the platform's harmful prompts."
            .formatted(asked.examples(), asked.found(), asked.prompts()),
        List.of(),
        rows.isEmpty()
            ? List.of()
            : List.of(
                PageSection.table(
                    "Templates",
                    List.of(
                        "examples",
                        "first lines",
                        "start model refuses",
                        "tuned model refuses",
                        "it gives a stock reply of the data",
                        "KL on these refusals, a prompt"),
                    rows)));
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
      row.add(PageSection.number(example.conflict()));
      row.add(attribution.condemned().contains(example.line()) ? "yes" : "no");
      row.add(Objects.requireNonNullElse(example.digest(), "-"));
      if (excerpts) {
        row.add(Objects.requireNonNullElse(example.excerpt(), "-"));
      }
      rows.add(row);
    }
    return PageSection.of(
        "Which examples pull against the alignment?",
        "Of %d examples, measured after step %d, %d stand apart from all others%s. Each is named by its line and the hash of its record, the largest conflict first."
            .formatted(
                attribution.examples(),
                attribution.step(),
                attribution.condemned().size(),
                lines(attribution.condemned())),
        List.of(),
        List.of(PageSection.table("Examples with the largest conflict", headers, rows)));
  }

  /** Of a large data set so many that a page stays one. */
  private static String lines(List<Integer> condemned) {
    if (condemned.isEmpty()) {
      return "";
    }
    String more = condemned.size() > SHOWN_LINES ? " and more, all of them in report.json" : "";
    return condemned.stream()
        .limit(SHOWN_LINES)
        .map(String::valueOf)
        .collect(Collectors.joining(", ", ": lines ", more));
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
        PageSection.table(
            "Models and data sets",
            List.of("field", "address", "commit", "records", "SHA-256"),
            rows));
    for (RunReport.Input input : report.inputs()) {
      if (!input.files().isEmpty()) {
        List<List<String>> files = new ArrayList<>();
        input.files().forEach((name, digest) -> files.add(List.of(name, digest)));
        tables.add(
            PageSection.table("Files of " + input.field(), List.of("file", "SHA-256"), files));
      }
    }
    return PageSection.of("What went in?", trainedOn(), List.of(), tables);
  }

  /** What became of the records that are too long to be trained on whole. */
  private String trainedOn() {
    return report.inputs().stream()
        .filter(input -> input.format() != null)
        .map(
            input ->
                "%s is in the format %s; %d of its examples were cut and %d left out, as longer than training.maxLength."
                    .formatted(input.field(), input.format(), input.truncated(), input.dropped()))
        .collect(Collectors.joining(" "));
  }

  private Map<String, Object> artifact() {
    List<List<String>> rows = new ArrayList<>();
    for (RunReport.PublishedFile file : report.artifact().files()) {
      rows.add(List.of(file.name(), Long.toString(file.bytes()), file.digest()));
    }
    return PageSection.of(
        "What came out?",
        report.artifact().uri(),
        List.of(),
        List.of(PageSection.table("Published files", List.of("file", "bytes", "SHA-256"), rows)));
  }

  private Map<String, Object> environment() {
    RunVersions versions = report.environment();
    List<List<String>> seconds = new ArrayList<>();
    report
        .seconds()
        .forEach((stage, time) -> seconds.add(List.of(stage, PageSection.number(time))));
    return PageSection.of(
        "Where did it run?",
        "",
        List.of(),
        List.of(
            PageSection.table(
                "Environment",
                List.of("part", "version"),
                List.of(
                    List.of("SafeGrad", versions.safegrad()),
                    List.of("DJL", versions.djl()),
                    List.of("libtorch", versions.libtorch()),
                    List.of("Java", versions.java()),
                    List.of("system", versions.os()),
                    List.of("processor", Objects.requireNonNullElse(versions.processor(), "-")),
                    List.of("threads", Integer.toString(versions.threads())),
                    List.of("device", Objects.requireNonNullElse(versions.device(), "-")),
                    List.of("type", Objects.requireNonNullElse(versions.type(), "-")))),
            PageSection.table("Stages of the last attempt", List.of("stage", "seconds"), seconds),
            PageSection.table("Memory of the last attempt", List.of("part", "MiB"), memory())));
  }

  private List<List<String>> memory() {
    RunReport.Memory memory = report.memory();
    if (memory == null) {
      return List.of();
    }
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("peak", memory.peakBytes() == null ? "-" : mebibytes(memory.peakBytes())));
    rows.add(List.of("estimate, " + memory.moment(), mebibytes(memory.estimateBytes())));
    memory.parts().forEach((part, bytes) -> rows.add(List.of("of it: " + part, mebibytes(bytes))));
    return rows;
  }

  private static String mebibytes(long bytes) {
    return Long.toString(Math.round(bytes / (double) (1 << 20)));
  }

  private Map<String, Object> plan() {
    Map<String, Object> section = PageSection.of("The plan", "", List.of(), List.of());
    section.put("code", report.plan().toYaml());
    return section;
  }
}
