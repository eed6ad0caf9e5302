package io.safegrad.operator.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.operator.observe.RunObservation.JobState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunFollowerTest {

  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

  @ParameterizedTest
  @CsvSource({"0, 3", "29, 3", "100, 10", "900, 30"})
  void aRunInAQueueIsLookedAtTheLaterTheLongerItHasWaited(long waited, long until) {
    assertThat(RunFollower.looksAgain(job(true, "gpus"), BEGIN, BEGIN.plusSeconds(waited)))
        .contains(Duration.ofSeconds(until));
  }

  @Test
  void whateverElseARunWaitsForIsAnnounced() {
    assertThat(RunFollower.looksAgain(RunObservation.NOTHING, BEGIN, BEGIN)).isEmpty();
    assertThat(RunFollower.looksAgain(job(true, null), BEGIN, BEGIN)).isEmpty();
    assertThat(RunFollower.looksAgain(job(false, "gpus"), BEGIN, BEGIN)).isEmpty();
  }

  private static RunObservation job(boolean suspended, String queue) {
    return new RunObservation(new JobState(suspended, queue, 0, null, null), List.of());
  }
}
