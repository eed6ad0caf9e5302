package io.safegrad.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.AttributionCounts;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.ExampleCounts;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.GateRule;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import io.safegrad.operator.Examples;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.End;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.JobState;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import io.safegrad.operator.plan.PlanResolver;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RunStatusTest {

  private static final Instant T0 = Instant.parse("2026-01-01T00:00:00.123Z");
  private static final Instant T1 = T0.plusSeconds(60);
  private static final JobState ACTIVE = new JobState(false, null, 0, null, null);
  private static final JobState HELD = new JobState(true, null, 0, null, null);
  private static final PodState WAITING = pod(PodStage.WAITING, null);
  private static final PodState RUNNING = pod(PodStage.RUNNING, null);
  private static final PodState ENDED = pod(PodStage.ENDED, null);

  static Stream<Arguments> phases() {
    return Stream.of(
        Arguments.of(Phase.Pending, null, null, null, Phase.Pending),
        Arguments.of(Phase.Pending, ACTIVE, null, null, Phase.Pending),
        Arguments.of(Phase.Pending, ACTIVE, WAITING, null, Phase.Queued),
        Arguments.of(Phase.Queued, ACTIVE, RUNNING, null, Phase.Preparing),
        Arguments.of(
            Phase.Preparing, ACTIVE, RUNNING, TrainingStage.BASELINE_EVALUATION, Phase.Preparing),
        Arguments.of(Phase.Preparing, ACTIVE, RUNNING, TrainingStage.TRAINING, Phase.Training),
        Arguments.of(
            Phase.Training, ACTIVE, RUNNING, TrainingStage.FINAL_EVALUATION, Phase.Evaluating),
        Arguments.of(Phase.Evaluating, ACTIVE, RUNNING, TrainingStage.PUBLISHING, Phase.Publishing),
        Arguments.of(Phase.Publishing, ACTIVE, RUNNING, TrainingStage.FINISHED, Phase.Publishing),
        // A restarted operator has not heard the trainer yet.
        Arguments.of(Phase.Training, ACTIVE, RUNNING, null, Phase.Training),
        // The Job's count of active pods drops to 0 before it is complete.
        Arguments.of(Phase.Publishing, ACTIVE, ENDED, null, Phase.Publishing),
        Arguments.of(Phase.Publishing, ACTIVE, null, null, Phase.Publishing),
        // Another attempt is another matter.
        Arguments.of(Phase.Training, ACTIVE, WAITING, null, Phase.Queued),
        // A queue holds the Job, its user does not.
        Arguments.of(Phase.Pending, HELD, null, null, Phase.Queued),
        Arguments.of(Phase.Suspended, ACTIVE, null, null, Phase.Pending));
  }

  @ParameterizedTest
  @MethodSource("phases")
  void thePhaseFollowsThePod(
      Phase last, JobState job, PodState pod, TrainingStage stage, Phase expected) {
    SafeFineTune resource = started(Examples.resource(), last);
    TrainingProgress progress = stage == null ? null : progress(stage, 3, null);
    SafeFineTuneStatus status = RunStatus.observed(resource, seen(job, pod, progress), T1);
    assertThat(status.phase()).isEqualTo(expected);
  }

  @Test
  void aSuspendedRunIsSuspendedOnceItsJobIs() {
    SafeFineTune resource = started(Examples.resource("suspend: true"), Phase.Training);
    assertThat(observe(resource, ACTIVE, RUNNING, null).phase()).isEqualTo(Phase.Training);
    SafeFineTuneStatus status = observe(resource, HELD, null, null);
    assertThat(status.phase()).isEqualTo(Phase.Suspended);
    assertThat(condition(status, "Reconciling").getStatus()).isEqualTo("False");
    assertThat(condition(status, "Stalled").getStatus()).isEqualTo("False");
  }

  @Test
  void aConditionKeepsItsTimeUntilItsStatusChanges() {
    SafeFineTune resource = started(Examples.resource(), Phase.Pending);
    SafeFineTuneStatus later = observe(resource, ACTIVE, WAITING, null);
    assertThat(condition(later, "Ready").getLastTransitionTime()).isEqualTo("2026-01-01T00:00:00Z");
    assertThat(condition(later, "Ready").getReason()).isEqualTo("Queued");
    resource.setStatus(later);
    SafeFineTuneStatus troubled =
        RunStatus.troubled(resource, new Trouble("InvalidPod", "no", true), T1);
    assertThat(condition(troubled, "Stalled").getLastTransitionTime())
        .isEqualTo("2026-01-01T00:01:00Z");
    assertThat(condition(troubled, "Accepted").getLastTransitionTime())
        .isEqualTo("2026-01-01T00:00:00Z");
  }

  @Test
  void theSameObservationGivesTheSameStatus() {
    SafeFineTune resource = started(Examples.resource(), Phase.Pending);
    TrainingProgress progress = progress(TrainingStage.TRAINING, 3, 0.5);
    resource.setStatus(RunStatus.observed(resource, seen(ACTIVE, RUNNING, progress), T0));
    assertThat(RunStatus.observed(resource, seen(ACTIVE, RUNNING, progress), T1))
        .isEqualTo(resource.getStatus());
    assertThat(resource.getStatus().observedGeneration()).isEqualTo(1);
    assertThat(resource.getStatus().conditions())
        .extracting(Condition::getType)
        .containsExactly(
            "Accepted", "Succeeded", "SafetyGatePassed", "Ready", "Reconciling", "Stalled");
  }

  @Test
  void aRunThatIsKilledForItsMemoryIsToldWhatItsTrainerExpectedToNeed() {
    SafeFineTune resource =
        started(Examples.resource("pod: {resources: {limits: {memory: 1Gi}}}"), Phase.Preparing);
    TrainingProgress known =
        new TrainingProgress(
            TrainingStage.PREPARING,
            0,
            0,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            2_000_000_000L,
            null);
    resource.setStatus(observe(resource, ACTIVE, RUNNING, known));
    // What is known stays, also when a later answer does not say it.
    resource.setStatus(
        observe(resource, ACTIVE, RUNNING, progress(TrainingStage.TRAINING, 3, 1.0)));
    assertThat(resource.getStatus().measurements().memoryEstimateBytes()).isEqualTo(2_000_000_000);
    PodState killed =
        new PodState(
            "p", "u", null, PodStage.ENDED, null, "s", "e", new Exit(137, true, ""), null, false);
    JobState job =
        new JobState(
            false, null, 1, null, new End(false, "PodFailurePolicy", "", "2026-01-01T00:02:00Z"));
    SafeFineTuneStatus ended =
        RunStatus.observed(resource, new RunObservation(job, List.of(killed)), T1);
    assertThat(condition(ended, "Succeeded").getReason()).isEqualTo("OutOfMemory");
    assertThat(condition(ended, "Succeeded").getMessage())
        .contains("limit of 1Gi; it expected to need 1908Mi", "limits.memory to 2304Mi");
  }

  @Test
  void whatIsMeasuredBetweenTheStepsIsShownUntilTheTrainedModelIsMeasured() {
    SafeFineTune resource = started(Examples.resource(), Phase.Training);
    SafetyMeasurements found =
        new SafetyMeasurements(Measurement.of(90, 100), Measurement.of(2, 100), null)
            .withSafetyKl(0.125);
    resource.setStatus(
        RunStatus.observed(
            resource,
            seen(ACTIVE, RUNNING, progress(TrainingStage.TRAINING, 20, 1.0, evaluation(20, found))),
            T1));
    assertThat(resource.getStatus().refusal()).isEqualTo("100% → 90%");
    assertThat(resource.getStatus().measurements().refusalInterval().count()).isEqualTo(100);
    assertThat(resource.getStatus().measurements().overRefusalRate()).isEqualTo(0.02);
    assertThat(resource.getStatus().measurements().safetyKl()).isEqualTo(0.125);
    assertThat(resource.getStatus().measurements().evaluatedStep()).isEqualTo(20);

    SafeFineTuneStatus published =
        RunStatus.observed(
            resource,
            seen(
                ACTIVE,
                RUNNING,
                progress(TrainingStage.PUBLISHING, 40, 0.5, evaluation(20, found))),
            T1);
    assertThat(published.refusal()).isEqualTo("100% → 50%");
    assertThat(published.measurements().evaluatedStep()).isNull();
    assertThat(published.measurements().overRefusalRate()).isNull();
  }

  private static StepEvaluation evaluation(int step, SafetyMeasurements found) {
    return new StepEvaluation(step, 9, found);
  }

  @Test
  void refusalOfTheStartModelIsKeptApartFromThatOfTheFineTunedOne() {
    SafeFineTune resource = started(Examples.resource(), Phase.Preparing);
    for (TrainingStage stage :
        new TrainingStage[] {TrainingStage.BASELINE_EVALUATION, TrainingStage.FINAL_EVALUATION}) {
      resource.setStatus(
          RunStatus.observed(resource, seen(ACTIVE, RUNNING, progress(stage, 3, 1.0)), T1));
      assertThat(resource.getStatus().refusal()).isEqualTo("100% → …");
    }
    SafeFineTuneStatus published =
        RunStatus.observed(
            resource, seen(ACTIVE, RUNNING, progress(TrainingStage.PUBLISHING, 40, 0.9961)), T1);
    assertThat(published.refusal()).isEqualTo("100% → 99.6%");
    assertThat(published.progress()).isEqualTo("40/40 (100%)");
  }

  @Test
  void whatAttributionCountedStaysUntilItIsToldAnew() {
    SafeFineTune resource = started(Examples.resource(), Phase.Preparing);
    TrainingProgress told =
        new TrainingProgress(
            TrainingStage.TRAINING,
            20,
            40,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            new AttributionCounts(320, 32, 20));
    resource.setStatus(observe(resource, ACTIVE, RUNNING, told));
    ExampleCounts counts = new ExampleCounts(320, 32, 20);
    assertThat(resource.getStatus().attribution()).isEqualTo(counts);
    SafeFineTuneStatus later =
        observe(resource, ACTIVE, RUNNING, progress(TrainingStage.FINAL_EVALUATION, 40, null));
    assertThat(later.attribution()).isEqualTo(counts);
  }

  /** Kubernetes ends the pods of a Job that fails before it says that it has failed. */
  @Test
  void noOtherAttemptIsAnnouncedWhenTheJobIsAboutToFail() {
    PodState stopped =
        new PodState(
            "support-bot-1",
            "u",
            "10.0.0.1",
            PodStage.ENDED,
            null,
            "2026-01-01T00:00:30Z",
            "2026-01-01T00:01:00Z",
            new Exit(75, false, ""),
            null,
            false);
    SafeFineTune resource = started(Examples.resource(), Phase.Training);
    SafeFineTuneStatus again = observe(resource, ACTIVE, stopped, null);
    assertThat(condition(again, "Ready").getReason()).isEqualTo("Resuming");
    assertThat(condition(again, "Ready").getMessage())
        .isEqualTo("Attempt 1 ended with Preempted; the Job starts another");
    JobState failing = new JobState(false, null, 0, "DeadlineExceeded", null);
    SafeFineTuneStatus last = observe(resource, failing, stopped, null);
    assertThat(condition(last, "Ready").getReason()).isEqualTo("Training");
    assertThat(last.attempts().get(0).reason()).isEqualTo("DeadlineExceeded");
  }

  @Test
  void aWaitingPodGivesItsReason() {
    PodState pod = pod(PodStage.WAITING, new Cause("ErrImagePull", "not found"));
    SafeFineTuneStatus status =
        observe(started(Examples.resource(), Phase.Pending), ACTIVE, pod, null);
    assertThat(condition(status, "Ready").getReason()).isEqualTo("ErrImagePull");
    assertThat(condition(status, "Ready").getMessage()).isEqualTo("not found");
    assertThat(condition(status, "Reconciling").getStatus()).isEqualTo("True");
  }

  /** As sigs.k8s.io/cli-utils/pkg/kstatus has it; src/test/kstatus asks the library itself. */
  private static String kstatus(SafeFineTune resource) {
    SafeFineTuneStatus status = resource.getStatus();
    if (!status.observedGeneration().equals(resource.getMetadata().getGeneration())) {
      return "InProgress";
    }
    for (Condition condition : status.conditions()) {
      if (condition.getType().equals("Reconciling") && condition.getStatus().equals("True")) {
        return "InProgress";
      }
      if (condition.getType().equals("Stalled") && condition.getStatus().equals("True")) {
        return "Failed";
      }
    }
    return condition(status, "Ready").getStatus().equals("True") ? "Current" : "InProgress";
  }

  @Test
  void toolsThatWaitByKstatusAreToldRight() {
    SafeFineTune run = started(Examples.resource(), Phase.Training);
    assertThat(kstatus(run)).isEqualTo("InProgress");
    run.setStatus(observe(run, ACTIVE, RUNNING, progress(TrainingStage.TRAINING, 3, 1.0)));
    assertThat(kstatus(run)).isEqualTo("InProgress");
    run.getMetadata().setGeneration(2L);
    assertThat(kstatus(run)).as("a change not seen yet").isEqualTo("InProgress");

    SafeFineTune held = started(Examples.resource("suspend: true"), Phase.Training);
    held.setStatus(observe(held, HELD, null, null));
    assertThat(kstatus(held)).as("held is neither done nor failed").isEqualTo("InProgress");

    SafeFineTune refused = started(Examples.resource(), Phase.Pending);
    refused.setStatus(RunStatus.troubled(refused, new Trouble("PolicyViolation", "no", true), T1));
    assertThat(kstatus(refused)).isEqualTo("Failed");

    String plan = run.getStatus().planDigest();
    SafeFineTune good = started(Examples.resource(), Phase.Publishing);
    good.setStatus(ended(good, true, 0, Examples.success(plan, 50)));
    assertThat(kstatus(good)).isEqualTo("Current");
    SafeFineTune bad = started(Examples.resource(), Phase.Publishing);
    bad.setStatus(ended(bad, true, 0, Examples.success(plan, 5)));
    assertThat(kstatus(bad)).isEqualTo("Failed");
    assertThat(bad.getStatus().gate())
        .extracting(GateRule::held)
        .containsExactly(false, false, true, true);
  }

  private static SafeFineTuneStatus ended(
      SafeFineTune resource, boolean complete, int code, TrainingResult result) {
    JobState job =
        new JobState(false, null, 0, null, new End(complete, "x", "x", "2026-01-01T00:02:00Z"));
    String message;
    try {
      message = new ObjectMapper().writeValueAsString(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    PodState pod =
        new PodState(
            "p",
            "u",
            null,
            PodStage.ENDED,
            null,
            "2026-01-01T00:00:30Z",
            "2026-01-01T00:02:00Z",
            new Exit(code, false, message),
            null,
            false);
    return RunStatus.observed(resource, new RunObservation(job, List.of(pod)), T1);
  }

  private static SafeFineTuneStatus observe(
      SafeFineTune resource, JobState job, PodState pod, TrainingProgress progress) {
    return RunStatus.observed(resource, seen(job, pod, progress), T1);
  }

  private static RunObservation seen(JobState job, PodState pod, TrainingProgress progress) {
    return new RunObservation(job, pod == null ? List.of() : List.of(pod)).with(progress);
  }

  private static PodState pod(PodStage stage, Cause waiting) {
    String started = stage == PodStage.WAITING ? null : "2026-01-01T00:00:30Z";
    return new PodState(
        "support-bot-1", "u", "10.0.0.1", stage, waiting, started, null, null, null, false);
  }

  private static SafeFineTune started(SafeFineTune resource, Phase phase) {
    SafeFineTuneStatus status = RunStatus.started(resource, PlanResolver.resolve(resource), T0);
    resource.setStatus(SafeFineTuneStatusBuilder.builder(status).phase(phase).build());
    return resource;
  }

  private static TrainingProgress progress(TrainingStage stage, int step, Double refusal) {
    return progress(stage, step, refusal, null);
  }

  private static TrainingProgress progress(
      TrainingStage stage, int step, Double refusal, StepEvaluation evaluation) {
    return new TrainingProgress(
        stage,
        step,
        40,
        12.4,
        1.0,
        0.1,
        0.25,
        -0.2,
        refusal,
        900.0,
        null,
        null,
        null,
        evaluation,
        null);
  }

  private static Condition condition(SafeFineTuneStatus status, String type) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow();
  }
}
