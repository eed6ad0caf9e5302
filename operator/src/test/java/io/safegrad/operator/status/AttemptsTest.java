package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.JobState;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AttemptsTest {

  private static final JobState JOB = new JobState(false, null, 0, null, null);
  private static final Cause EVICTION =
      new Cause("EvictionByEvictionAPI", "Eviction API: evicting");

  @Test
  void aPodThatNeverRanIsNoAttempt() {
    PodState waiting =
        new PodState("a", "a", null, PodStage.WAITING, null, null, null, null, null, false);
    assertThat(Attempts.after(null, seen(waiting), null)).isNull();
  }

  @Test
  void aRunningOneIsFollowedAndEndsOnce() {
    TrainingProgress progress =
        new TrainingProgress(
            TrainingStage.TRAINING,
            25,
            40,
            9.0,
            1.0,
            0.1,
            0.2,
            0.1,
            1.0,
            9.0,
            null,
            null,
            20,
            null,
            null);
    List<Attempt> running = Attempts.after(null, seen(running("a")).with(progress), null);
    assertThat(running)
        .containsExactly(new Attempt(1, "a", "start", null, null, null, null, 20, 25));
    List<Attempt> ended = Attempts.after(running, seen(ended("a", 75, EVICTION)), null);
    assertThat(ended)
        .containsExactly(
            new Attempt(
                1, "a", "start", "end", "EvictionByEvictionAPI", "asked to stop", 75, 20, 25));
    assertThat(Attempts.after(ended, seen(), null)).as("what is written stays").isEqualTo(ended);
  }

  @Test
  void aNodeThatLostAPodDoesNotSayWhenItBegan() {
    PodState lost =
        new PodState("a", "a", null, PodStage.ENDED, null, null, null, null, EVICTION, false);
    List<Attempt> running = Attempts.after(null, seen(running("a")), null);
    assertThat(Attempts.after(running, seen(lost), null))
        .extracting(Attempt::started, Attempt::reason)
        .containsExactly(tuple("start", "EvictionByEvictionAPI"));
  }

  @Test
  void eachEndHasItsReason() {
    assertThat(reason(ended("a", 69, null), null)).isEqualTo("SourceUnavailable");
    assertThat(reason(ended("a", 0, EVICTION), null)).isEqualTo("Success");
    assertThat(reason(ended("a", 75, null), "Suspended")).isEqualTo("Suspended");
    assertThat(reason(ended("a", 75, null), null)).isEqualTo("Preempted");
    assertThat(reason(ended("a", 1, null), "Suspended")).isEqualTo("UnexpectedExit");
    PodState oom =
        new PodState(
            "a",
            "a",
            null,
            PodStage.ENDED,
            null,
            "start",
            "end",
            new Exit(137, true, ""),
            null,
            false);
    assertThat(reason(oom, null)).isEqualTo("OutOfMemory");
  }

  @Test
  void anEndThatNobodySawIsSaidToBeUnseen() {
    List<Attempt> running = Attempts.after(null, seen(running("a")), null);
    List<Attempt> next = Attempts.after(running, seen(running("b")), null);
    assertThat(next)
        .extracting(Attempt::number, Attempt::pod, Attempt::reason)
        .containsExactly(tuple(1, "a", "PodRemoved"), tuple(2, "b", null));
  }

  @Test
  void ofVeryManyTheNewestAreKeptWithTheirNumbers() {
    List<Attempt> attempts = null;
    for (int i : IntStream.rangeClosed(1, 40).toArray()) {
      attempts = Attempts.after(attempts, seen(ended("pod-" + i, 69, null)), null);
    }
    assertThat(attempts).hasSize(32);
    assertThat(attempts.get(0).number()).isEqualTo(9);
    assertThat(attempts.get(31).number()).isEqualTo(40);
  }

  private static String reason(PodState pod, String suspension) {
    return Attempts.after(null, seen(pod), suspension).get(0).reason();
  }

  private static RunObservation seen(PodState... pods) {
    return new RunObservation(JOB, List.of(pods));
  }

  private static PodState running(String name) {
    return new PodState(
        name, name, "10.0.0.1", PodStage.RUNNING, null, "start", null, null, null, false);
  }

  private static PodState ended(String name, int code, Cause disruption) {
    String message =
        ExitReason.ofCode(code)
            .map(reason -> json(TrainingResult.failed(reason, "asked to stop", null)))
            .orElse("");
    return new PodState(
        name,
        name,
        null,
        PodStage.ENDED,
        null,
        "start",
        "end",
        new Exit(code, false, message),
        disruption,
        false);
  }

  private static String json(TrainingResult result) {
    try {
      return new ObjectMapper().writeValueAsString(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
