package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Event;
import io.safegrad.operator.Examples;
import io.safegrad.operator.status.RunEvent.Reason;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventsTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @ParameterizedTest
  @CsvSource({
    "2026-01-01T00:00:00Z, 2026-01-01T00:00:00.000000Z",
    "2026-01-01T00:00:00.120Z, 2026-01-01T00:00:00.120000Z",
    "2026-01-01T00:00:00.123456789Z, 2026-01-01T00:00:00.123456Z"
  })
  void theTimeAlwaysHasSixDigits(Instant now, String expected) {
    Event event = Events.of(Examples.resource(), new RunEvent(Reason.Started, "x", ""), now);
    assertThat(event.getEventTime().getTime()).isEqualTo(expected);
  }

  @Test
  void theSameOccurrenceHasTheSameNameAndAnotherOneAnother() {
    assertThat(name(Reason.Suspended, "1"))
        .isEqualTo(name(Reason.Suspended, "1"))
        .isNotEqualTo(name(Reason.Suspended, "2"))
        .isNotEqualTo(name(Reason.Resumed, "1"))
        .startsWith("support-bot.");
  }

  @Test
  void whatHappensInOneSecondIsShownInItsOrder() {
    List<String> names =
        Stream.of(
                new RunEvent(Reason.Started, "x", ""),
                new RunEvent(Reason.Queued, "x", "0"),
                new RunEvent(Reason.Preparing, "x", "1", 1),
                new RunEvent(Reason.Training, "x", "1", 1),
                new RunEvent(Reason.AttemptFailed, "x", "1", 1),
                new RunEvent(Reason.Training, "x", "2", 2),
                new RunEvent(Reason.Failed, "x", "", 2))
            .map(event -> Events.of(Examples.resource(), event, NOW).getMetadata().getName())
            .toList();
    assertThat(names).isSorted();
  }

  @Test
  void aLongNoteIsCutAtWhatTheServerTakes() {
    Event event =
        Events.of(Examples.resource(), new RunEvent(Reason.Failed, "→".repeat(1000), ""), NOW);
    assertThat(event.getMessage().getBytes(StandardCharsets.UTF_8)).hasSizeBetween(1000, 1024);
    assertThat(event.getType()).isEqualTo("Warning");
  }

  private static String name(Reason reason, String occasion) {
    return Events.of(Examples.resource(), new RunEvent(reason, "x", occasion), NOW)
        .getMetadata()
        .getName();
  }
}
