package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import java.util.List;
import org.junit.jupiter.api.Test;

class ActiveTimeTest {

  private static final List<Attempt> ATTEMPTS =
      List.of(
          attempt("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
          attempt("2026-01-01T01:00:00Z", "2026-01-01T01:00:30Z"));

  @Test
  void withoutADeadlineOrAnAttemptNothingIsCounted() {
    assertThat(ActiveTime.left(null, ATTEMPTS, null)).isNull();
    assertThat(ActiveTime.left(100L, null, null)).isEqualTo(100);
  }

  @Test
  void earlierRoundsCountAndTheCurrentOneIsKubernetesToCount() {
    assertThat(ActiveTime.left(100L, ATTEMPTS, null)).as("suspended").isEqualTo(10);
    assertThat(ActiveTime.left(100L, ATTEMPTS, "2026-01-01T00:59:59Z")).isEqualTo(40);
    assertThat(ActiveTime.left(100L, ATTEMPTS, "2026-01-01T00:00:00Z")).isEqualTo(100);
  }

  @Test
  void whatIsSpentLeavesTheLeastThatTheApiServerTakes() {
    assertThat(ActiveTime.left(60L, ATTEMPTS, null)).isEqualTo(1);
  }

  private static Attempt attempt(String started, String ended) {
    return new Attempt(1, "p", started, ended, "Suspended", null, 75, null, null);
  }
}
