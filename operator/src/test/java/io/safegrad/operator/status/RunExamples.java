package io.safegrad.operator.status;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A resource in each state that other tools have to understand, with the operator's own status. */
final class RunExamples {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant NOW = Instant.parse("2026-01-01T00:10:00Z");
  private static final JobState ACTIVE = new JobState(false, null, 0, null, null);
  private static final JobState HELD = new JobState(true, null, 0, null, null);

  private RunExamples() {}

  /** As the API server gives it before the operator has seen it, by the CRD's default. */
  private static SafeFineTune created() {
    SafeFineTune created = Examples.resource();
    created.setStatus(SafeFineTuneStatusBuilder.builder().observedGeneration(-1L).build());
    return created;
  }

  /** By a name that says the state. */
  static Map<String, SafeFineTune> all() {
    Map<String, SafeFineTune> all = new LinkedHashMap<>();
    all.put("new", created());
    all.put("pending", started(Phase.Pending));
    all.put("queued", observed(Phase.Pending, ACTIVE, pod(PodStage.WAITING, null), null));
    all.put(
        "image-missing",
        observed(
            Phase.Pending,
            ACTIVE,
            pod(PodStage.WAITING, new Cause("ErrImagePull", "not found")),
            null));
    all.put("preparing", running(Phase.Queued, TrainingStage.PREPARING));
    all.put("training", running(Phase.Preparing, TrainingStage.TRAINING));
    all.put("evaluating", running(Phase.Training, TrainingStage.FINAL_EVALUATION));
    all.put("publishing", running(Phase.Evaluating, TrainingStage.PUBLISHING));
    SafeFineTune suspended = started(Phase.Training, "suspend: true");
    suspended.setStatus(RunStatus.observed(suspended, new RunObservation(HELD, List.of()), NOW));
    all.put("suspended", suspended);
    all.put("succeeded", ended(50, null));
    all.put("rejected", ended(5, null));
    all.put("failed", ended(0, ExitReason.BAD_DATA));
    SafeFineTune refused = Examples.resource();
    refused.setStatus(
        RunStatus.troubled(
            refused, new Trouble("PolicyViolation", "spec.method.name: found Sft", true), NOW));
    all.put("policy-violation", refused);
    SafeFineTune apiServer = Examples.resource();
    apiServer.setStatus(
        RunStatus.troubled(apiServer, new Trouble("ApiServerError", "away", false), NOW));
    all.put("api-server-error", apiServer);
    SafeFineTune changed = ended(50, null);
    changed.getMetadata().setGeneration(2L);
    all.put("changed", changed);
    return all;
  }

  private static SafeFineTune running(Phase before, TrainingStage stage) {
    TrainingProgress progress =
        new TrainingProgress(
            stage, 3, 40, 12.4, 1.0, 0.1, 0.25, -0.2, 1.0, 900.0, null, null, null, null, null);
    return observed(before, ACTIVE, pod(PodStage.RUNNING, null), progress);
  }

  private static SafeFineTune observed(
      Phase before, JobState job, PodState pod, TrainingProgress progress) {
    SafeFineTune run = started(before);
    RunObservation seen = new RunObservation(job, List.of(pod)).with(progress);
    run.setStatus(RunStatus.observed(run, seen, NOW));
    return run;
  }

  private static SafeFineTune started(Phase phase, String... specLines) {
    SafeFineTune run = Examples.resource(specLines);
    run.setStatus(
        SafeFineTuneStatusBuilder.builder(RunStatus.started(run, PlanResolver.resolve(run), START))
            .phase(phase)
            .build());
    return run;
  }

  private static PodState pod(PodStage stage, Cause waiting) {
    String began = stage == PodStage.WAITING ? null : "2026-01-01T00:00:30Z";
    return new PodState(
        "support-bot-1", "u", "10.0.0.1", stage, waiting, began, null, null, null, false);
  }

  private static SafeFineTune ended(int refused, ExitReason failure) {
    SafeFineTune run = started(Phase.Publishing);
    String plan = run.getStatus().planDigest();
    TrainingResult result =
        failure == null
            ? Examples.success(plan, refused)
            : TrainingResult.failed(failure, "line 2 is no JSON", plan);
    int code = failure == null ? 0 : failure.code();
    JobState job =
        new JobState(false, null, 0, null, new End(code == 0, "x", "x", "2026-01-01T00:09:00Z"));
    PodState pod =
        new PodState(
            "support-bot-1",
            "u",
            null,
            PodStage.ENDED,
            null,
            "2026-01-01T00:00:30Z",
            "2026-01-01T00:09:00Z",
            new Exit(code, false, json(result)),
            null,
            false);
    run.setStatus(RunStatus.observed(run, new RunObservation(job, List.of(pod)), NOW));
    return run;
  }

  private static String json(TrainingResult result) {
    try {
      return new ObjectMapper().writeValueAsString(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
