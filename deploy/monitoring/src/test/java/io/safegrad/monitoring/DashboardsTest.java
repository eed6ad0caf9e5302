package io.safegrad.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.monitoring.dashboards.Dashboard;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Dashboards;
import io.safegrad.monitoring.dashboards.Panel;
import io.safegrad.monitoring.dashboards.Panel.Query;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code -Dmonitoring.write=true} writes the dashboards. */
class DashboardsTest {

  private static final Path FOLDER = Path.of("dashboards");
  private static final Set<String> OF_GRAFANA = Set.of("__range", "__rate_interval");
  private static final Pattern VARIABLE = Pattern.compile("\\$(\\w+)");
  private static final Pattern LEGEND_LABEL = Pattern.compile("\\{\\{(\\w+)}}");

  static List<Dashboard> dashboards() {
    return Dashboards.all();
  }

  @Test
  void theFilesAreWhatTheSourceSays() throws IOException {
    Map<String, String> files = Dashboards.files();
    if (Boolean.getBoolean("monitoring.write")) {
      Files.createDirectories(FOLDER);
      for (Map.Entry<String, String> file : files.entrySet()) {
        Files.writeString(FOLDER.resolve(file.getKey()), file.getValue());
      }
    }
    try (Stream<Path> found = Files.list(FOLDER)) {
      assertThat(found.map(file -> file.getFileName().toString()))
          .filteredOn(name -> !name.equals(".lint"))
          .containsExactlyInAnyOrderElementsOf(files.keySet());
    }
    for (Map.Entry<String, String> file : files.entrySet()) {
      assertThat(FOLDER.resolve(file.getKey()))
          .as("./mvnw -pl deploy/monitoring -am test -Dmonitoring.write=true")
          .hasContent(file.getValue());
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void eachPanelSaysWhatItShows(Dashboard dashboard) {
    for (Panel panel : dashboard.panels()) {
      assertThat(panel.title()).as(dashboard.uid()).isNotBlank();
      assertThat(panel.description()).as(panel.title()).endsWith(".").hasSizeGreaterThan(10);
      assertThat(panel.unit()).as(panel.title()).isNotNull();
      assertThat(panel.queries()).as(panel.title()).isNotEmpty();
      for (Query query : panel.queries()) {
        assertThat(query.legend()).as(panel.title()).isNotBlank();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void eachQueryAsksForWhatThereIs(Dashboard dashboard) {
    Set<String> variables = new HashSet<>(OF_GRAFANA);
    for (Variable variable : dashboard.variables()) {
      assertThatCode(() -> KnownMetrics.check(selector(variable.query())))
          .doesNotThrowAnyException();
      assertThat(used(variable.query())).isSubsetOf(variables);
      variables.add(variable.name());
    }
    for (Panel panel : dashboard.panels()) {
      for (Query query : panel.queries()) {
        assertThatCode(() -> KnownMetrics.check(query.expression()))
            .as(panel.title())
            .doesNotThrowAnyException();
        assertThat(used(query.expression())).as(panel.title()).isSubsetOf(variables);
        PromqlNames names = PromqlNames.of(query.expression());
        assertThat(
                LEGEND_LABEL
                    .matcher(query.legend())
                    .results()
                    .map(label -> label.group(1))
                    .toList())
            .as(panel.title())
            .allSatisfy(label -> assertThat(labels(names)).contains(label));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void panelsDoNotOverlapAndIdsAreUnique(Dashboard dashboard) throws IOException {
    JsonNode panels =
        new ObjectMapper()
            .readTree(Dashboards.files().get(dashboard.uid() + ".json"))
            .get("panels");
    Set<Integer> ids = new HashSet<>();
    Set<List<Integer>> cells = new HashSet<>();
    for (JsonNode panel : panels) {
      assertThat(ids.add(panel.get("id").intValue())).isTrue();
      JsonNode place = panel.get("gridPos");
      for (int x = 0; x < place.get("w").intValue(); x++) {
        for (int y = 0; y < place.get("h").intValue(); y++) {
          int column = place.get("x").intValue() + x;
          assertThat(column).isLessThan(24);
          assertThat(cells.add(List.of(column, place.get("y").intValue() + y)))
              .as(panel.get("title").textValue())
              .isTrue();
        }
      }
    }
  }

  private static Set<String> labels(PromqlNames names) {
    Set<String> labels = new HashSet<>(KnownMetrics.TARGET);
    labels.addAll(names.grouping());
    names.selectors().forEach(one -> labels.addAll(KnownMetrics.all().get(one.metric())));
    return labels;
  }

  private static Set<String> used(String text) {
    Set<String> used = new HashSet<>();
    VARIABLE.matcher(text).results().forEach(found -> used.add(found.group(1)));
    return used;
  }

  /** The series of {@code label_values(series, label)}, as an expression over that label. */
  private static String selector(String query) {
    return query.replaceFirst("^label_values\\((.*), (\\w+)\\)$", "count by ($2) ($1)");
  }
}
