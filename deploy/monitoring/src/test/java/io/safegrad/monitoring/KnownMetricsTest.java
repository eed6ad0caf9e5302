package io.safegrad.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.monitoring.AlertRules.Alert;
import io.safegrad.monitoring.PromqlNames.Selector;
import io.safegrad.operator.metrics.OperatorMetric;
import io.safegrad.trainer.telemetry.MetricName;
import java.io.IOException;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class KnownMetricsTest {

  static Stream<Alert> alerts() throws IOException {
    return AlertRules.read().alerts().stream();
  }

  @ParameterizedTest
  @MethodSource("alerts")
  void eachAlertAsksForWhatThereIs(Alert alert) {
    assertThatCode(() -> KnownMetrics.check(alert.expression())).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "safegrad_looss{objective=\"user\"} | no such metric: safegrad_looss",
        "safegrad_loss_nats{goal=\"user\"} | safegrad_loss_nats has no label goal",
        "sum by (phases) (safegrad_runs) | nothing has the label phases",
        "rate(safegrad_step_duration_seconds[5m]) | no such metric",
        "vector(1) | no metric in vector(1)"
      })
  void whatThereIsNotIsFound(String expression, String message) {
    assertThatThrownBy(() -> KnownMetrics.check(expression)).hasMessageContaining(message);
  }

  @Test
  void metricsAndLabelsAreReadFromAnExpression() {
    PromqlNames names =
        PromqlNames.of(
            "histogram_quantile(0.9, sum by (le, job) (rate(a_bucket{x=\"1, y=2\",z!~\"$v\"}[5m])))"
                + " > 1 and on (pod) b offset 5m or avg_over_time(c{}[$__rate_interval]) == bool 1");
    assertThat(names.selectors())
        .extracting(Selector::metric)
        .containsExactly("a_bucket", "b", "c");
    assertThat(names.selectors().get(0).labels()).isEqualTo(Set.of("x", "z"));
    assertThat(names.grouping()).isEqualTo(Set.of("job", "le", "pod"));
  }

  @Test
  void noNameIsTheTrainersAndTheOperatorsBoth() {
    assertThat(Stream.of(MetricName.values()).map(MetricName::text))
        .doesNotContainAnyElementsOf(
            Stream.of(OperatorMetric.values()).map(OperatorMetric::text).toList());
  }
}
