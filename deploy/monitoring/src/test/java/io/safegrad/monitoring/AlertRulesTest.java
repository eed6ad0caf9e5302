package io.safegrad.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.monitoring.AlertRules.Alert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The alerts, with Prometheus' own promtool. */
class AlertRulesTest {

  private static final Path RUNBOOKS = Path.of("../../docs/runbooks");
  private static final Path HERE = Path.of("").toAbsolutePath();

  static Stream<Alert> alerts() throws IOException {
    return AlertRules.read().alerts().stream();
  }

  @Test
  void promtoolAcceptsTheRules() throws IOException {
    ProgramResult result = promtool("check", "rules", AlertRules.FILE.toString());
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output())
        .contains("SUCCESS: %d rules found".formatted(AlertRules.read().alerts().size()));
  }

  @ParameterizedTest
  @MethodSource("alerts")
  void eachFiresWhenItShouldAndNotWhenItShouldNot(Alert alert) throws IOException {
    String file = "tests/" + alert.name() + ".yaml";
    List<Boolean> fires = new ArrayList<>();
    for (JsonNode test : new YAMLMapper().readTree(Path.of(file).toFile()).required("tests")) {
      for (JsonNode look : test.required("alert_rule_test")) {
        assertThat(look.required("alertname").textValue()).isEqualTo(alert.name());
        fires.add(!look.required("exp_alerts").isEmpty());
      }
    }
    assertThat(fires).contains(true, false);
    ProgramResult result = promtool("test", "rules", file);
    assertThat(result.exitCode()).as(result.output()).isZero();
  }

  @ParameterizedTest
  @MethodSource("alerts")
  void eachTellsItsValueAndHasARunbook(Alert alert) throws IOException {
    assertThat(alert.severity()).isIn("warning", "critical");
    assertThat(alert.summary()).doesNotContain("$value").doesNotEndWith(".");
    assertThat(alert.description()).contains("{{ $value").endsWith(".");
    assertThat(alert.runbook())
        .endsWith("/docs/runbooks/" + alert.name() + ".md")
        .startsWith("https://");
    String page = Files.readString(RUNBOOKS.resolve(alert.name() + ".md"));
    assertThat(page).startsWith("# " + alert.name() + "\n");
    assertThat(Pattern.compile("(?m)^## (.*)$").matcher(page).results().map(m -> m.group(1)))
        .containsExactly("What it means", "How to confirm it", "What to do");
    assertThat(page).contains("kubectl ");
  }

  @Test
  void eachRunbookAndEachTestIsOfAnAlert() throws IOException {
    assertThat(names(RUNBOOKS)).containsExactlyInAnyOrderElementsOf(AlertRules.read().names());
    assertThat(names(Path.of("tests")))
        .containsExactlyInAnyOrderElementsOf(AlertRules.read().names());
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString().replaceAll("\\.\\w+$", "")).toList();
    }
  }

  private static ProgramResult promtool(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(PrometheusBinaries.resolve(System.out::println).resolve("promtool").toString());
    command.addAll(List.of(arguments));
    return ProgramResult.run(HERE, command);
  }
}
