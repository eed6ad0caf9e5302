package io.safegrad.operator.status;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Measurements;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.observe.Queue;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.JobState;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.plan.PlanResolver;
import io.safegrad.operator.plan.PolicyCheck;
import io.safegrad.operator.plan.PolicyMerge;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;

/** The status of a SafeFineTune: a pure function of its spec, its last status and what is seen. */
public final class RunStatus {

  private static final SafeFineTuneStatus NONE = SafeFineTuneStatusBuilder.builder().build();

  private RunStatus() {}

  /** The last written status, or one without any value. */
  public static SafeFineTuneStatus last(SafeFineTune resource) {
    return resource.getStatus() == null ? NONE : resource.getStatus();
  }

  /** Whether the run belongs to its plan for good. */
  public static boolean hasStarted(SafeFineTune resource) {
    return last(resource).startTime() != null;
  }

  /** When the run began; now, for one that has not. */
  public static Instant begin(SafeFineTune resource, Instant now) {
    return hasStarted(resource) ? Instant.parse(last(resource).startTime()) : now;
  }

  /** Whether nothing more happens to the run. */
  public static boolean hasEnded(SafeFineTune resource) {
    return last(resource).phase() != null && last(resource).phase().isTerminal();
  }

  /** The resource as it would be with what policies demand of it; nothing is written. */
  public static SafeFineTune demanded(SafeFineTune resource, List<PolicyValue> values) {
    SafeFineTune demanded = new SafeFineTune();
    demanded.setMetadata(resource.getMetadata());
    demanded.setSpec(resource.getSpec());
    demanded.setStatus(
        SafeFineTuneStatusBuilder.builder(last(resource))
            .policyValues(values.isEmpty() ? null : values)
            .build());
    return demanded;
  }

  /** The status that fixes the spec: from here on the run belongs to this plan. */
  public static SafeFineTuneStatus started(SafeFineTune resource, TrainingPlan plan, Instant now) {
    ActiveRun active = ActiveRun.of(Phase.Pending, RunObservation.NOTHING, null);
    return SafeFineTuneStatusBuilder.builder()
        .observedGeneration(resource.getMetadata().getGeneration())
        .phase(Phase.Pending)
        .startTime(now.truncatedTo(ChronoUnit.SECONDS).toString())
        .jobName(resource.getMetadata().getName())
        .planDigest(plan.digest())
        .policyValues(last(resource).policyValues())
        .conditions(active.conditions(conditions(resource, now)))
        .build();
  }

  /** The last status, for a generation that changes nothing about it. */
  public static SafeFineTuneStatus seen(SafeFineTune resource) {
    SafeFineTuneStatus last = last(resource);
    Long generation = resource.getMetadata().getGeneration();
    return SafeFineTuneStatusBuilder.builder(last)
        .observedGeneration(generation)
        .conditions(
            last.conditions().stream()
                .map(condition -> condition.edit().withObservedGeneration(generation).build())
                .toList())
        .build();
  }

  /** The status of an accepted resource, started or not. */
  public static SafeFineTuneStatus observed(
      SafeFineTune resource, RunObservation observation, Instant now) {
    if (observation.job() != null && observation.job().end() != null) {
      return ended(resource, observation, now);
    }
    SafeFineTuneStatus last = last(resource);
    Phase phase = activePhase(resource, last.phase(), observation);
    boolean running = observation.pod() != null && observation.pod().stage() == PodStage.RUNNING;
    Measurements figures =
        observation.progress() == null
            ? last.measurements()
            : Figures.during(last.measurements(), observation.progress());
    Long eta = running ? eta(observation, last) : null;
    List<Attempt> attempts =
        Attempts.after(last.attempts(), observation, stop(resource, observation));
    return SafeFineTuneStatusBuilder.builder(told(last, figures, false))
        .observedGeneration(resource.getMetadata().getGeneration())
        .phase(phase)
        .queueName(observation.job() == null ? last.queueName() : observation.job().queue())
        .etaSeconds(eta)
        .eta(Figures.duration(eta))
        .attribution(
            Figures.attribution(
                last.attribution(),
                observation.progress() == null ? null : observation.progress().attribution()))
        .attempts(attempts)
        .conditions(
            ActiveRun.of(phase, observation, attempts).conditions(conditions(resource, now)))
        .build();
  }

  /** Whether the run may publish what it measured, by the policies as they are now. */
  public static Approval approval(
      SafeFineTune resource, ApprovalRequest request, List<SafetyPolicy> policies) {
    List<PolicyValue> fixed = policyValues(last(resource));
    return GateVerdict.approval(
        last(resource).planDigest(),
        GateVerdict.failures(
            PlanResolver.demandedSpec(resource),
            PolicyMerge.gateNow(resource.getSpec().safety().gate(), fixed, policies),
            request.baseline(),
            request.result()),
        PolicyCheck.ofRun(resource.getSpec(), fixed, policies));
  }

  /** The status of a resource that cannot go on as it is. */
  public static SafeFineTuneStatus troubled(SafeFineTune resource, Trouble trouble, Instant now) {
    SafeFineTuneStatus last = last(resource);
    boolean started = last.startTime() != null;
    Conditions conditions = conditions(resource, now);
    if (started) {
      conditions.set(
          Conditions.ACCEPTED, true, ConditionReason.Accepted.name(), ActiveRun.ACCEPTED_MESSAGE);
    } else {
      conditions.set(Conditions.ACCEPTED, false, trouble.reason(), trouble.sentence());
    }
    conditions
        .set(Conditions.SUCCEEDED, null, trouble.reason(), trouble.sentence())
        .set(
            Conditions.SAFETY_GATE_PASSED,
            null,
            ConditionReason.NotMeasured.name(),
            ActiveRun.NOT_MEASURED)
        .set(Conditions.READY, false, trouble.reason(), trouble.sentence())
        .set(Conditions.RECONCILING, !trouble.lasting(), trouble.reason(), trouble.sentence())
        .set(Conditions.STALLED, trouble.lasting(), trouble.reason(), trouble.sentence());
    return SafeFineTuneStatusBuilder.builder(last)
        .observedGeneration(resource.getMetadata().getGeneration())
        .phase(last.phase() == null ? Phase.Pending : last.phase())
        .etaSeconds(null)
        .eta(null)
        .conditions(conditions.build())
        .build();
  }

  private static SafeFineTuneStatus ended(
      SafeFineTune resource, RunObservation observation, Instant now) {
    SafeFineTuneStatus last = last(resource);
    List<PolicyValue> fixed = policyValues(last);
    Gate gate =
        PolicyMerge.gateNow(resource.getSpec().safety().gate(), fixed, observation.policies());
    Outcome outcome =
        Outcome.of(
            observation.job().end(),
            observation.lastEnded(),
            PlanResolver.demandedSpec(resource),
            gate,
            last.planDigest(),
            PolicyCheck.ofRun(resource.getSpec(), fixed, observation.policies()),
            last.measurements() == null ? null : last.measurements().memoryEstimateBytes());
    TrainingResult result = outcome.result();
    Measurements figures =
        result == null ? last.measurements() : Figures.after(last.measurements(), result);
    return SafeFineTuneStatusBuilder.builder(told(last, figures, true))
        .observedGeneration(resource.getMetadata().getGeneration())
        .phase(outcome.phase())
        .completionTime(observation.job().end().time())
        .queueName(observation.job().queue())
        .etaSeconds(null)
        .eta(null)
        .attribution(
            Figures.attribution(last.attribution(), result == null ? null : result.attribution()))
        .gate(Figures.gate(gate, result))
        .judge(Figures.judge(result))
        .attempts(Attempts.after(last.attempts(), observation, deadline(outcome)))
        .artifact(EndedRun.artifact(outcome))
        .conditions(EndedRun.conditions(outcome, conditions(resource, now)))
        .build();
  }

  /** The last status with other figures. */
  private static SafeFineTuneStatus told(
      SafeFineTuneStatus last, Measurements figures, boolean ended) {
    return SafeFineTuneStatusBuilder.builder(last)
        .progress(Figures.progress(figures))
        .conflict(Figures.conflict(figures))
        .refusal(Figures.refusal(figures, ended))
        .measurements(figures)
        .build();
  }

  private static List<PolicyValue> policyValues(SafeFineTuneStatus status) {
    return Objects.requireNonNullElse(status.policyValues(), List.of());
  }

  /**
   * The phase of a run that goes on. A pod that has ended or is gone does not move it: the Job's
   * next pod or its end does. So it goes back only with another attempt.
   */
  private static Phase activePhase(SafeFineTune resource, Phase last, RunObservation observation) {
    boolean suspend = Boolean.TRUE.equals(resource.getSpec().suspend());
    if (suspend && (observation.job() == null || observation.job().suspended())) {
      return Phase.Suspended;
    }
    if (observation.job() != null && observation.job().suspended()) {
      return Phase.Queued;
    }
    Phase reached = last == null || last == Phase.Suspended ? Phase.Pending : last;
    if (observation.pod() == null) {
      return reached;
    }
    return switch (observation.pod().stage()) {
      case WAITING -> Phase.Queued;
      case ENDED -> reached;
      case RUNNING ->
          observation.progress() != null
              ? phaseOf(observation.progress().stage())
              : reached.compareTo(Phase.Preparing) < 0 ? Phase.Preparing : reached;
    };
  }

  /** Why a pod that was asked to stop was; null when for no reason of the run's own. */
  private static String stop(SafeFineTune resource, RunObservation observation) {
    JobState job = observation.job();
    if (Boolean.TRUE.equals(resource.getSpec().suspend())) {
      return ActiveRun.SUSPENDED;
    }
    if (job != null && job.suspended() && job.queue() != null) {
      return Queue.EVICTED;
    }
    return job != null && Outcome.DEADLINE_EXCEEDED.equals(job.failing()) ? job.failing() : null;
  }

  private static String deadline(Outcome outcome) {
    return Outcome.DEADLINE_EXCEEDED.equals(outcome.reason()) ? outcome.reason() : null;
  }

  private static Phase phaseOf(TrainingStage stage) {
    return switch (stage) {
      case PREPARING, BASELINE_EVALUATION -> Phase.Preparing;
      case TRAINING -> Phase.Training;
      case FINAL_EVALUATION -> Phase.Evaluating;
      case PUBLISHING, FINISHED -> Phase.Publishing;
    };
  }

  private static Long eta(RunObservation observation, SafeFineTuneStatus last) {
    if (observation.progress() == null) {
      return last.etaSeconds();
    }
    Double eta = observation.progress().etaSeconds();
    return eta == null ? null : (Long) Math.max(0, Math.round(eta));
  }

  private static Conditions conditions(SafeFineTune resource, Instant now) {
    return new Conditions(last(resource).conditions(), resource.getMetadata().getGeneration(), now);
  }
}
