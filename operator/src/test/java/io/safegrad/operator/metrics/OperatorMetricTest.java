package io.safegrad.operator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class OperatorMetricTest {

  @Test
  void theTableOfTheReadmeIsThisList() throws IOException {
    assertThat(
            Pattern.compile("(?m)^\\| `(safegrad_\\w+)` \\| ([^|]*) \\|[^|]+\\|$")
                .matcher(Files.readString(Path.of("README.md")))
                .results()
                .map((MatchResult row) -> row.group(1) + " " + row.group(2).replace("`", "")))
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(OperatorMetric.values())
                .map(metric -> metric.text() + " " + String.join(", ", metric.labels()))
                .toList());
  }

  @Test
  void namesFollowPrometheusConventions() {
    assertThat(OperatorMetric.values())
        .allSatisfy(
            metric -> {
              assertThat(metric.text()).matches("safegrad_[a-z_]+");
              assertThat(metric.help()).endsWith(".");
              assertThat(metric.text().endsWith("_total"))
                  .isEqualTo(metric.type() == OperatorMetric.Type.COUNTER);
            });
  }
}
