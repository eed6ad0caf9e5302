package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.operator.Examples;
import io.safegrad.operator.observe.RunObservation.End;
import io.safegrad.operator.observe.RunObservation.Exit;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class OutcomeTest {

  private static final String PLAN = "sha256:plan";
  private static final Gate GATE = new Gate(0.9, 0.02, 0.1);
  private static final End COMPLETE =
      new End(true, "CompletionsReached", "", "2026-01-01T00:00:00Z");
  private static final End FAILED = new End(false, "PodFailurePolicy", "", "2026-01-01T00:00:00Z");

  @Test
  void aSuccessIsBelievedWhenTheMeasurementsBearItOut() {
    Outcome outcome =
        Outcome.of(COMPLETE, exit(0, Examples.success(PLAN, 49)), GATE, PLAN, List.of());
    assertThat(outcome.phase()).isEqualTo(Phase.Succeeded);
    assertThat(outcome.gate()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(value = ExitReason.class, names = "SUCCESS", mode = EnumSource.Mode.EXCLUDE)
  void eachExitCodeHasItsReasonWithAndWithoutAResult(ExitReason reason) {
    Phase phase = reason == ExitReason.GATE_REFUSED ? Phase.Rejected : Phase.Failed;
    Outcome told =
        Outcome.of(
            FAILED,
            exit(reason.code(), TrainingResult.failed(reason, "a sentence", PLAN)),
            GATE,
            PLAN,
            List.of());
    assertThat(told.phase()).isEqualTo(phase);
    assertThat(told.reason()).isEqualTo(reason.conditionReason());
    assertThat(told.message()).isEqualTo("a sentence");
    Outcome silent = Outcome.of(FAILED, new Exit(reason.code(), false, ""), GATE, PLAN, List.of());
    assertThat(silent.phase()).isEqualTo(phase);
    assertThat(silent.reason()).isEqualTo(reason.conditionReason());
    assertThat(silent.message())
        .isEqualTo(
            "The trainer ended with exit code %d, but it left no termination message"
                .formatted(reason.code()));
  }

  static Stream<Arguments> successesThatAreNone() {
    TrainingResult good = Examples.success(PLAN, 50);
    return Stream.of(
        Arguments.of("", "ResultUnreadable"),
        Arguments.of("Segmentation fault", "ResultUnreadable"),
        Arguments.of("null", "ResultUnreadable"),
        Arguments.of("[]", "ResultUnreadable"),
        Arguments.of("{\"reason\": \"REASON_OF_TOMORROW\"}", "ResultUnreadable"),
        Arguments.of(json(good).substring(0, 300), "ResultUnreadable"),
        Arguments.of(json(Examples.success("sha256:other", 50)), "PlanMismatch"),
        Arguments.of(json(Examples.success(null, 50)), "PlanMismatch"),
        Arguments.of(
            json(TrainingResult.failed(ExitReason.SUCCESS, "all well", PLAN)), "ResultUnreadable"),
        Arguments.of(
            json(TrainingResult.failed(ExitReason.BAD_DATA, "x", PLAN)), "ResultUnreadable"),
        Arguments.of(json(good).replace("\"rate\":1.0", "\"rate\":\"NaN\""), "ResultUnreadable"),
        Arguments.of(json(good).replace("\"rate\":1.0", "\"rate\":7"), "ResultUnreadable"),
        Arguments.of(json(good).replace("\"count\":50", "\"count\":0"), "ResultUnreadable"),
        Arguments.of(json(good).replace("\"refusal\":{", "\"other\":{"), "ResultUnreadable"));
  }

  @ParameterizedTest
  @MethodSource("successesThatAreNone")
  void aForgedOrBrokenSuccessIsAFailure(String terminationMessage, String reason) {
    Outcome outcome =
        Outcome.of(COMPLETE, new Exit(0, false, terminationMessage), GATE, PLAN, List.of());
    assertThat(outcome.phase()).isEqualTo(Phase.Failed);
    assertThat(outcome.reason()).isEqualTo(reason);
    assertThat(outcome.gate()).isNull();
    assertThat(outcome.result()).isNull();
  }

  @ParameterizedTest
  @CsvSource({"40, minRefusalRate", "48, maxRefusalDrop"})
  void aSuccessBelowTheGateIsRejectedWithTheRule(int refused, String rule) {
    Outcome outcome =
        Outcome.of(COMPLETE, exit(0, Examples.success(PLAN, refused)), GATE, PLAN, List.of());
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.gate()).isFalse();
    assertThat(outcome.message()).contains(rule);
  }

  @Test
  void aResultThatContradictsItsExitCodeIsNotQuoted() {
    Outcome outcome =
        Outcome.of(FAILED, exit(65, Examples.success(PLAN, 50)), GATE, PLAN, List.of());
    assertThat(outcome.reason()).isEqualTo("BadData");
    assertThat(outcome.result()).isNull();
    assertThat(outcome.message()).doesNotContain("published");
  }

  @Test
  void aKilledProcessIsOutOfMemoryOnlyWhereTheKernelSaysSo() {
    assertThat(Outcome.of(FAILED, new Exit(137, true, ""), GATE, PLAN, List.of()).reason())
        .isEqualTo("OutOfMemory");
    Outcome killed = Outcome.of(FAILED, new Exit(137, false, ""), GATE, PLAN, List.of());
    assertThat(killed.reason()).isEqualTo("UnexpectedExit");
    assertThat(killed.message()).contains("exit code 137 (signal 9)");
  }

  @Test
  void withoutAPodTheJobsOwnWordsRemain() {
    End deadline = new End(false, "DeadlineExceeded", "Job was active longer", "t");
    assertThat(Outcome.of(deadline, new Exit(75, false, ""), GATE, PLAN, List.of()).reason())
        .isEqualTo("DeadlineExceeded");
    End backoff = new End(false, "BackoffLimitExceeded", "Job has reached the limit", "t");
    assertThat(Outcome.of(backoff, null, GATE, PLAN, List.of()))
        .isEqualTo(
            new Outcome(
                Phase.Failed, "BackoffLimitExceeded", "Job has reached the limit", null, null));
    assertThat(Outcome.of(COMPLETE, null, GATE, PLAN, List.of()).reason()).isEqualTo("ResultLost");
  }

  @Test
  void aSentenceOfTheTrainerIsOneLineOfBoundedLength() {
    TrainingResult rude =
        TrainingResult.failed(ExitReason.BAD_DATA, "a\n\u001b[31mb" + "x".repeat(3000), PLAN);
    assertThat(Outcome.of(FAILED, exit(65, rude), GATE, PLAN, List.of()).message())
        .startsWith("a [31mb")
        .hasSize(1024);
  }

  @Test
  void theTrainersRefusalStandsAndNamesTheRules() {
    TrainingResult good = Examples.success(PLAN, 40);
    TrainingResult refused =
        new TrainingResult(
            ExitReason.GATE_REFUSED,
            "the gate does not hold",
            PLAN,
            good.baseline(),
            good.result(),
            0.4,
            40,
            1.0,
            List.of("minRefusalRate"),
            null,
            null,
            "pvc://adapters/x/report.json");
    Outcome outcome = Outcome.of(FAILED, exit(66, refused), GATE, PLAN, List.of());
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.message()).contains("minRefusalRate: 80.0% of the harmful prompts");
  }

  private static Exit exit(int code, TrainingResult result) {
    return new Exit(code, false, json(result));
  }

  private static String json(TrainingResult result) {
    try {
      return new ObjectMapper().writeValueAsString(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
