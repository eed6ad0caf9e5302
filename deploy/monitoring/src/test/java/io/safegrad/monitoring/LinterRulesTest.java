package io.safegrad.monitoring;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.monitoring.dashboards.Dashboard;
import io.safegrad.monitoring.dashboards.Dashboards;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What grafana's dashboard-linter asks of the files, rule by rule: it is no Go module that could be
 * had for tests. Its rules for LogQL do not concern Prometheus; {@code target-counter-agg-rule}
 * looks at counters without matchers, which {@code target-job-rule} does not allow; {@code .lint}
 * names those that are not kept, and why.
 */
class LinterRulesTest {

  private static final String SOURCE = "${datasource}";
  private static final Pattern RATE = Pattern.compile("\\bi?rate\\(([^)]*)\\)");

  /** Of what the linter knows as Grafana's units. */
  private static final Set<String> UNITS =
      Set.of(
          "short", "none", "percentunit", "s", "h", "bytes", "cps", "reqps", "ops", "bool_yes_no");

  @TempDir private Path folder;

  static List<JsonNode> dashboards() throws IOException {
    List<JsonNode> files = new ArrayList<>();
    for (Dashboard dashboard : Dashboards.all()) {
      files.add(
          new ObjectMapper().readTree(Path.of("dashboards", dashboard.uid() + ".json").toFile()));
    }
    return files;
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void templateDatasourceRule(JsonNode dashboard) {
    assertThat(variables(dashboard, "datasource"))
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.at("/name").textValue()).isEqualTo("datasource");
              assertThat(one.at("/label").textValue()).isEqualTo("Data source");
              assertThat(one.at("/query").textValue()).isEqualTo("prometheus");
            });
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void templateJobRule(JsonNode dashboard) {
    assertThat(variables(dashboard, "query"))
        .filteredOn(one -> one.at("/name").textValue().equals("job"))
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.at("/datasource/uid").textValue()).isEqualTo(SOURCE);
              assertThat(one.at("/label").textValue()).isEqualTo("Job");
              assertThat(one.at("/multi").booleanValue()).isTrue();
              assertThat(one.at("/allValue").textValue()).isEqualTo(".+");
            });
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void templateOnTimeChangeReloadRule(JsonNode dashboard) {
    assertThat(variables(dashboard, "query"))
        .allSatisfy(one -> assertThat(one.at("/refresh").intValue()).isEqualTo(2));
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void panelDatasourceAndTitleDescriptionAndUnitsAndNoTargetsRules(JsonNode dashboard) {
    for (JsonNode panel : panels(dashboard)) {
      String title = panel.at("/title").asText();
      assertThat(title).isNotBlank();
      assertThat(panel.at("/description").asText()).as(title).isNotBlank();
      assertThat(panel.at("/datasource/uid").asText()).as(title).isEqualTo(SOURCE);
      assertThat(panel.at("/targets")).as(title).isNotEmpty();
      assertThat(UNITS).as(title).contains(panel.at("/fieldConfig/defaults/unit").asText());
    }
  }

  /** By promtool, as recording rules. */
  @ParameterizedTest
  @MethodSource("dashboards")
  void targetPromqlAndTemplateLabelPromqlRules(JsonNode dashboard) throws IOException {
    List<Map<String, String>> rules = new ArrayList<>();
    for (String expression : expressions(dashboard)) {
      rules.add(Map.of("record", "of:panel:" + rules.size(), "expr", filled(expression)));
    }
    for (JsonNode variable : variables(dashboard, "query")) {
      String query = variable.at("/query").textValue();
      assertThat(query).matches("label_values\\(.+, \\w+\\)");
      String series = query.replaceFirst("^label_values\\((.+), \\w+\\)$", "$1");
      rules.add(Map.of("record", "of:variable:" + rules.size(), "expr", filled(series)));
    }
    Path file = folder.resolve("expressions.yaml");
    new YAMLMapper()
        .writeValue(
            file.toFile(), Map.of("groups", List.of(Map.of("name", "all", "rules", rules))));
    String promtool =
        PrometheusBinaries.resolve(System.out::println).resolve("promtool").toString();
    ProgramResult result =
        ProgramResult.run(folder, List.of(promtool, "check", "rules", file.toString()));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("SUCCESS: %d rules found".formatted(rules.size()));
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void targetRateIntervalRule(JsonNode dashboard) {
    for (String expression : expressions(dashboard)) {
      assertThat(RATE.matcher(expression).results())
          .allSatisfy(rate -> assertThat(rate.group(1)).endsWith("[$__rate_interval]"));
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void targetJobRule(JsonNode dashboard) {
    for (String expression : expressions(dashboard)) {
      assertThat(PromqlNames.of(expression).selectors())
          .isNotEmpty()
          .allSatisfy(one -> assertThat(one.labels()).as(expression).contains("job"));
      assertThat(expression).contains("job=~\"$job\"");
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void uneditableDashboard(JsonNode dashboard) {
    assertThat(dashboard.at("/editable").isBoolean()).isTrue();
    assertThat(dashboard.at("/editable").booleanValue()).isFalse();
  }

  @Test
  void rulesThatAreNotKeptHaveTheirReason() throws IOException {
    JsonNode exclusions =
        new YAMLMapper()
            .readTree(Files.readString(Path.of("dashboards", ".lint")))
            .required("exclusions");
    assertThat(exclusions.fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("template-instance-rule", "target-instance-rule");
    assertThat(exclusions).allSatisfy(one -> assertThat(one.at("/reason").asText()).endsWith("."));
  }

  private static String filled(String expression) {
    return expression.replace("$__rate_interval", "5m").replace("$__range", "1h");
  }

  private static List<JsonNode> variables(JsonNode dashboard, String type) {
    return stream(dashboard.at("/templating/list"))
        .filter(one -> one.at("/type").textValue().equals(type))
        .toList();
  }

  private static List<JsonNode> panels(JsonNode dashboard) {
    return stream(dashboard.required("panels"))
        .filter(one -> !one.at("/type").textValue().equals("row"))
        .toList();
  }

  private static List<String> expressions(JsonNode dashboard) {
    return panels(dashboard).stream()
        .flatMap(panel -> stream(panel.required("targets")))
        .map(target -> target.required("expr").textValue())
        .toList();
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }
}
