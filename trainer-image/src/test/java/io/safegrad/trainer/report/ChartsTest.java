package io.safegrad.trainer.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChartsTest {

  private final Charts charts = new Charts();

  @Test
  void figuresHaveRoomAtTheirAxis() {
    assertThat(overSteps(-1e-6, 5e-6))
        .contains(">-2e-6<", ">0<", ">6e-6<")
        .doesNotContain("0.00000");
    assertThat(overSteps(0, 80000)).contains(">80,000<");
    assertThat(overSteps(0, 0.3)).contains(">0.3<", ">0.1<");
  }

  private String overSteps(double first, double second) {
    return charts.svg(
        "overSteps",
        "kl",
        "KL",
        "KL over the steps",
        Map.of(
            "unit",
            "nats",
            "share",
            false,
            "series",
            List.of(
                Map.of(
                    "name",
                    "KL",
                    "dots",
                    false,
                    "points",
                    List.of(point(1, first), point(2, second))))));
  }

  private static List<Double> point(double step, double value) {
    return Arrays.asList(step, value, null, null);
  }
}
