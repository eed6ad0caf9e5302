package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.DataRefusal;
import io.safegrad.api.ExitReason;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.TemplateRefusal;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.Examples;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.End;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import io.safegrad.operator.plan.PolicyViolation;
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
    Outcome outcome = judge(COMPLETE, exit(0, Examples.success(PLAN, 49)));
    assertThat(outcome.phase()).isEqualTo(Phase.Succeeded);
    assertThat(outcome.gate()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(value = ExitReason.class, names = "SUCCESS", mode = EnumSource.Mode.EXCLUDE)
  void eachExitCodeHasItsReasonWithAndWithoutAResult(ExitReason reason) {
    Phase phase =
        reason == ExitReason.GATE_REFUSED || reason == ExitReason.START_MODEL_NOT_ALIGNED
            ? Phase.Rejected
            : Phase.Failed;
    Outcome told =
        judge(FAILED, exit(reason.code(), TrainingResult.failed(reason, "a sentence", PLAN)));
    assertThat(told.phase()).isEqualTo(phase);
    assertThat(told.reason()).isEqualTo(reason.conditionReason());
    assertThat(told.message()).startsWith("a sentence");
    Outcome silent = judge(FAILED, new Exit(reason.code(), false, ""));
    assertThat(silent.phase()).isEqualTo(phase);
    assertThat(silent.reason()).isEqualTo(reason.conditionReason());
    assertThat(silent.message())
        .startsWith(
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
        Arguments.of(
            json(
                Examples.success(
                    PLAN, 50, it -> it.withDataRefusal(new DataRefusal(400, 40, 41, 0.0)))),
            "ResultUnreadable"),
        Arguments.of(
            json(
                Examples.success(
                    PLAN,
                    50,
                    it -> it.withTemplateRefusal(new TemplateRefusal(5, 48, 48, 49, 0, 0.0)))),
            "ResultUnreadable"),
        Arguments.of(json(good).replace(":0.0031", ":-1"), "ResultUnreadable"),
        Arguments.of(json(good).replace(":0.0031", ":\"NaN\""), "ResultUnreadable"),
        Arguments.of(json(good).replace(":0.0031", ":1e999"), "ResultUnreadable"),
        Arguments.of(json(good).replace("\"refusal\":{", "\"other\":{"), "ResultUnreadable"));
  }

  @ParameterizedTest
  @MethodSource("successesThatAreNone")
  void aForgedOrBrokenSuccessIsAFailure(String terminationMessage, String reason) {
    Outcome outcome = judge(COMPLETE, new Exit(0, false, terminationMessage));
    assertThat(outcome.phase()).isEqualTo(Phase.Failed);
    assertThat(outcome.reason()).isEqualTo(reason);
    assertThat(outcome.gate()).isNull();
    assertThat(outcome.result()).isNull();
  }

  @ParameterizedTest
  @CsvSource({"40, minRefusalRate", "48, maxRefusalDrop"})
  void aSuccessBelowTheGateIsRejectedWithTheRule(int refused, String rule) {
    Outcome outcome = judge(COMPLETE, exit(0, Examples.success(PLAN, refused)));
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.gate()).isFalse();
    assertThat(outcome.message()).contains(rule);
  }

  /** The trainer says that it published; what it counted says that it should not have. */
  @ParameterizedTest
  @CsvSource({"36, Succeeded", "35, Rejected"})
  void theRuleOfTheDataIsTheOperatorsOwn(int refused, Phase phase) {
    TrainingResult published =
        Examples.success(
            PLAN, 50, it -> it.withDataRefusal(new DataRefusal(400, 40, refused, 0.0)));
    Gate gate = new Gate(0.9, 0.02, 0.1, null, 0.1, null, null, Gate.Compare.Estimate);
    assertEndsBy(gate, published, phase, "maxDataRefusalDrop: 12.5%");
  }

  @ParameterizedTest
  @CsvSource({"44, Succeeded", "43, Rejected"})
  void theRuleOfTheDatasTemplatesIsTheOperatorsOwn(int refused, Phase phase) {
    TrainingResult published =
        Examples.success(
            PLAN,
            50,
            it -> it.withTemplateRefusal(new TemplateRefusal(5, 48, 48, refused, 0, 0.0)));
    Gate gate = new Gate(0.9, 0.02, 0.1, null, null, 0.1, null, Gate.Compare.Estimate);
    assertEndsBy(gate, published, phase, "maxTemplateRefusalDrop: in one of 5 templates");
  }

  /** A run that says it published ends so, or as rejected by what the sentence names. */
  private static void assertEndsBy(
      Gate gate, TrainingResult published, Phase phase, String sentence) {
    Outcome outcome =
        Outcome.of(
            COMPLETE,
            pod(exit(0, published), null),
            Examples.resource().getSpec(),
            gate,
            PLAN,
            List.of(),
            null);
    assertThat(outcome.phase()).isEqualTo(phase);
    assertThat(outcome.message().contains(sentence)).isEqualTo(phase == Phase.Rejected);
  }

  @Test
  void aResultThatContradictsItsExitCodeIsNotQuoted() {
    Outcome outcome = judge(FAILED, exit(65, Examples.success(PLAN, 50)));
    assertThat(outcome.reason()).isEqualTo("BadData");
    assertThat(outcome.result()).isNull();
    assertThat(outcome.message()).doesNotContain("published");
  }

  @Test
  void aKilledProcessIsOutOfMemoryOnlyWhereTheKernelSaysSo() {
    assertThat(judge(FAILED, new Exit(137, true, "")).reason()).isEqualTo("OutOfMemory");
    Outcome killed = judge(FAILED, new Exit(137, false, ""));
    assertThat(killed.reason()).isEqualTo("UnexpectedExit");
    assertThat(killed.message()).contains("exit code 137 (signal 9)");
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "-",
      delimiter = '|',
      value = {
        "- | - | ask for more than 2Gi in spec.pod.resources, or lower spec.training.batchSize (16)"
            + " or spec.training.maxLength (512), or set spec.training.gradientCheckpointing:"
            + " Always, or set spec.model.storage: BFloat16",
        "3221225473 | - | it expected to need 3073Mi: set spec.pod.resources.limits.memory to"
            + " 3584Mi, or lower spec.training.batchSize (16) or spec.training.maxLength (512), or"
            + " set spec.training.gradientCheckpointing: Always, or set spec.model.storage:"
            + " BFloat16",
        "1073741824 | gradientCheckpointing: Always | it expected to need 1Gi: set"
            + " spec.pod.resources.limits.memory to 2560Mi, or lower spec.training.batchSize (16)"
            + " or spec.training.maxLength (512), or set spec.model.storage: BFloat16",
        "7516192768 | mode: Full | it expected to need 7Gi: set"
            + " spec.pod.resources.limits.memory to 8448Mi, or lower spec.training.batchSize (16)"
            + " or spec.training.maxLength (512), or set spec.training.gradientCheckpointing:"
            + " Always",
      })
  void outOfMemoryNamesTheLimitTheEstimateAndWhatToChange(
      Long estimateBytes, String setting, String advice) {
    SafeFineTuneSpec limited =
        Examples.resource(
                "pod: {resources: {limits: {memory: 2Gi}}}",
                "training: {batchSize: 16, maxLength: 512%s}"
                    .formatted(setting == null ? "" : ", " + setting))
            .getSpec();
    assertThat(outOfMemory(limited, new Exit(137, true, ""), estimateBytes))
        .isEqualTo("The trainer was killed at its container's memory limit of 2Gi; " + advice);
    Exit told = exit(71, TrainingResult.failed(ExitReason.OUT_OF_MEMORY, "no room", PLAN));
    assertThat(outOfMemory(limited, told, estimateBytes)).isEqualTo("no room; " + advice);
  }

  @Test
  void outOfMemoryWithoutALimitNamesTheNode() {
    SafeFineTuneSpec unlimited = Examples.resource("training: {batchSize: 1}").getSpec();
    Exit killed = new Exit(137, true, "");
    assertThat(outOfMemory(unlimited, killed, null))
        .isEqualTo(
            "The trainer was killed because its node had no memory left; set"
                + " spec.pod.resources.limits.memory and requests.memory, so that it gets a node"
                + " with enough");
    assertThat(outOfMemory(unlimited, killed, 1L << 30))
        .isEqualTo(
            "The trainer was killed because its node had no memory left; it expected to need 1Gi:"
                + " set spec.pod.resources.limits.memory and requests.memory to 1280Mi, so that it"
                + " gets a node with enough");
    Exit told = exit(71, TrainingResult.failed(ExitReason.OUT_OF_MEMORY, "no room", PLAN));
    assertThat(outOfMemory(unlimited, told, null))
        .startsWith(
            "no room; ask for more than it had in spec.pod.resources, or lower"
                + " spec.training.maxLength (1024), or set");
  }

  private static String outOfMemory(SafeFineTuneSpec spec, Exit exit, Long estimateBytes) {
    Outcome outcome =
        Outcome.of(FAILED, pod(exit, null), spec, GATE, PLAN, List.of(), estimateBytes);
    assertThat(outcome.reason()).isEqualTo("OutOfMemory");
    return outcome.message();
  }

  @Test
  void aPodThatItsNodeEndedIsToldInTheNodesWords() {
    Cause full = new Cause("Evicted", "Usage of EmptyDir volume \"workspace\" exceeds the limit");
    Outcome outcome =
        Outcome.of(
            FAILED,
            pod(new Exit(137, false, ""), full),
            Examples.resource().getSpec(),
            GATE,
            PLAN,
            List.of(),
            null);
    assertThat(outcome.reason()).isEqualTo("Evicted");
    assertThat(outcome.message()).isEqualTo(full.message());
  }

  @Test
  void withoutAPodTheJobsOwnWordsRemain() {
    End deadline = new End(false, "DeadlineExceeded", "Job was active longer", "t");
    assertThat(judge(deadline, new Exit(75, false, "")).reason()).isEqualTo("DeadlineExceeded");
    End backoff = new End(false, "BackoffLimitExceeded", "Job has reached the limit", "t");
    assertThat(judge(backoff, null))
        .isEqualTo(
            new Outcome(
                Phase.Failed, "BackoffLimitExceeded", "Job has reached the limit", null, null));
    assertThat(judge(COMPLETE, null).reason()).isEqualTo("ResultLost");
  }

  @Test
  void aSentenceOfTheTrainerIsOneLineOfBoundedLength() {
    TrainingResult rude =
        TrainingResult.failed(ExitReason.BAD_DATA, "a\n\u001b[31mb" + "x".repeat(3000), PLAN);
    assertThat(judge(FAILED, exit(65, rude)).message()).startsWith("a [31mb").hasSize(1024);
  }

  @Test
  void aSuccessByAnotherJudgeIsNone() {
    TrainingResult good = Examples.success(PLAN, 50);
    JudgeIdentity lax = new JudgeIdentity("Qi2023/1", "sha256:ab");
    TrainingResult judged =
        new TrainingResult(
            ExitReason.SUCCESS,
            "published",
            PLAN,
            good.baseline().withJudge(lax),
            good.result().withJudge(lax),
            0.4,
            40,
            1.0,
            List.of(),
            null,
            null,
            null);
    Outcome outcome = judge(COMPLETE, exit(0, judged));
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.message()).endsWith("judged by Qi2023/1, RefusalPhrases/1 expected");
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
    Outcome outcome = judge(FAILED, exit(66, refused));
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.message()).contains("minRefusalRate: 80.0% of the harmful prompts");
  }

  private static Outcome judge(End end, Exit exit) {
    return Outcome.of(
        end,
        exit == null ? null : pod(exit, null),
        Examples.resource().getSpec(),
        GATE,
        PLAN,
        List.of(),
        null);
  }

  /** The operator said no before anything was published; the trainer's exit tells no more. */
  @Test
  void whatAChangedPolicyRefusedIsAPolicyViolation() {
    TrainingResult good = Examples.success(PLAN, 49);
    TrainingResult refused =
        new TrainingResult(
            ExitReason.GATE_REFUSED,
            "the platform's policy refused the adapter: x",
            PLAN,
            good.baseline(),
            good.result(),
            good.conflictRatio(),
            good.steps(),
            good.trainingSeconds(),
            List.of("x"),
            List.of(),
            null,
            null,
            null,
            null);
    PolicyViolation violation =
        new PolicyViolation("spec.training.maxSteps", "limits", "200", "at most 100", "platform");
    Outcome outcome =
        Outcome.of(
            FAILED,
            pod(exit(66, refused), null),
            Examples.resource().getSpec(),
            GATE,
            PLAN,
            List.of(violation),
            null);
    assertThat(outcome.phase()).isEqualTo(Phase.Rejected);
    assertThat(outcome.reason()).isEqualTo("PolicyViolation");
    assertThat(outcome.message()).contains("spec.training.maxSteps: found 200");
  }

  private static PodState pod(Exit exit, Cause disruption) {
    return new PodState(
        "p", "u", null, PodStage.ENDED, null, "start", "end", exit, disruption, false);
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
