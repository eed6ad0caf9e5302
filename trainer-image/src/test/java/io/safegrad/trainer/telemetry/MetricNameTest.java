package io.safegrad.trainer.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class MetricNameTest {

  @Test
  void theTableOfTheDocumentationIsThisListAndNamesAnAlertForEach() throws IOException {
    String page = Files.readString(Path.of("../docs/metrics.md"));

    assertThat(
            Pattern.compile("(?m)^\\| `(safegrad_\\w+)` \\|[^|]*\\|[^|]+\\|[^|]+\\|$")
                .matcher(page)
                .results()
                .map((MatchResult row) -> row.group(1)))
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(MetricName.values()).map(MetricName::text).toList());
  }

  @Test
  void namesFollowPrometheusConventions() {
    assertThat(MetricName.values())
        .allSatisfy(
            metric -> {
              assertThat(metric.text()).matches("safegrad_[a-z_]+");
              assertThat(metric.help()).endsWith(".");
              assertThat(metric.text().endsWith("_total"))
                  .isEqualTo(metric.type() == MetricName.Type.COUNTER);
              if (metric.help().contains("nats")) {
                assertThat(metric.text()).endsWith("_nats");
              }
            });
  }
}
