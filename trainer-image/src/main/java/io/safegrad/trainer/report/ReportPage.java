package io.safegrad.trainer.report;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import io.safegrad.api.ExitReason;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;

/** {@code report.html}: the report for people, in one file that loads nothing and runs nothing. */
public final class ReportPage {

  public static final String FILE_NAME = "report.html";

  private static final String TEMPLATE = "report.html.jinja";

  private ReportPage() {}

  /** The page. What users wrote is text in it and never markup. */
  public static String of(RunReport report) {
    boolean published = report.verdict().reason() == ExitReason.SUCCESS;
    Jinjava jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withNestedInterpretationEnabled(false)
                .build());
    return jinjava.render(
        template(),
        Map.of(
            "run", report.run(),
            "published", published,
            "tone", published ? "held" : "refused",
            "reason", report.verdict().reason().conditionReason(),
            "message", report.verdict().message(),
            "started", seconds(report.started()),
            "finished", seconds(report.finished()),
            "version", report.environment().safegrad(),
            "threads", report.environment().threads(),
            "sections", new ReportSections(report).all()));
  }

  private static String seconds(String instant) {
    return Instant.parse(instant).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String template() {
    try (InputStream template = ReportPage.class.getResourceAsStream(TEMPLATE)) {
      return new String(template.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
