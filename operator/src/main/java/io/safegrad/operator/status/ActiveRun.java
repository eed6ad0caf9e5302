package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.operator.dependent.RetryTable;
import io.safegrad.operator.observe.Queue;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is said of a run that has not ended.
 *
 * @param reason why it is not ready yet
 * @param held whether it stands still because its user wants it to
 */
record ActiveRun(String reason, String message, boolean held) {

  static final String ACCEPTED_MESSAGE = "The plan is complete and the API server takes its Job";
  static final String NOT_MEASURED = "The fine-tuned model is not measured yet";

  /** The reason while a failed attempt is being repeated. */
  static final String RETRYING = ConditionReason.Retrying.name();

  /** The same, where the next attempt goes on from a checkpoint. */
  static final String RESUMING = ConditionReason.Resuming.name();

  /** Why an attempt was stopped that its user held back. */
  static final String SUSPENDED = "Suspended";

  private static final Set<String> HELD = Set.of(SUSPENDED, Queue.EVICTED);

  /**
   * What is said of a phase.
   *
   * @param attempts the attempts so far, this observation included; null for none
   */
  static ActiveRun of(Phase phase, RunObservation observation, List<Attempt> attempts) {
    if (phase == Phase.Suspended) {
      return new ActiveRun(phase.name(), suspended(attempts), true);
    }
    Cause cause =
        observation.waiting() != null || observation.pod() == null
            ? observation.waiting()
            : observation.pod().waiting();
    if (cause != null) {
      return new ActiveRun(cause.reason(), cause.message(), false);
    }
    Attempt last = attempts == null ? null : attempts.get(attempts.size() - 1);
    PodState ended = observation.lastEnded();
    boolean between = observation.pod() == null || observation.pod().stage() != PodStage.RUNNING;
    boolean failing = observation.job() != null && observation.job().failing() != null;
    if (last != null && ended != null && between && !failing && last.pod().equals(ended.name())) {
      Optional<ActiveRun> again = again(last, ended);
      if (again.isPresent()) {
        return again.get();
      }
    }
    return new ActiveRun(phase.name(), message(phase), false);
  }

  /** What is said between two attempts; empty where the first was held back or ended the run. */
  private static Optional<ActiveRun> again(Attempt last, PodState ended) {
    if (last.reason() == null || HELD.contains(last.reason())) {
      return Optional.empty();
    }
    String told =
        "Attempt %d ended with %s%s; the Job starts another"
            .formatted(
                last.number(),
                last.reason(),
                last.message() == null ? "" : " (" + last.message() + ")");
    boolean disrupted = ended.disruption() != null;
    return switch (RetryTable.ofCode(ended.exit().code()).action(disrupted)) {
      case RETRY -> Optional.of(new ActiveRun(RETRYING, told, false));
      case RESUME -> Optional.of(new ActiveRun(RESUMING, told, false));
      case DONE, FAIL -> Optional.empty();
    };
  }

  private static String suspended(List<Attempt> attempts) {
    return attempts == null
        ? "spec.suspend holds the run back"
        : "spec.suspend holds the run back; set to false, it goes on from its last checkpoint";
  }

  List<Condition> conditions(Conditions conditions) {
    return conditions
        .set(Conditions.ACCEPTED, true, ConditionReason.Accepted.name(), ACCEPTED_MESSAGE)
        .set(Conditions.SUCCEEDED, null, reason, message)
        .set(Conditions.SAFETY_GATE_PASSED, null, ConditionReason.NotMeasured.name(), NOT_MEASURED)
        .set(Conditions.READY, false, reason, message)
        .set(Conditions.RECONCILING, !held, reason, message)
        .set(Conditions.STALLED, false, reason, message)
        .build();
  }

  private static String message(Phase phase) {
    return switch (phase) {
      case Pending -> "The Job has no pod yet";
      case Queued -> "The trainer's pod waits to be started";
      case Preparing -> "The trainer loads model and data and measures the start model";
      case Training -> "The trainer trains";
      case Evaluating -> "The trainer measures the fine-tuned model";
      case Publishing -> "The trainer checks the gate and writes its results";
      case Suspended, Succeeded, Rejected, Failed ->
          throw new IllegalArgumentException(phase + " is no phase of a run that goes on");
    };
  }
}
