package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.observe.Queue;
import io.safegrad.operator.status.RunEvent.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** What happened between two statuses of one resource. */
final class Transitions {

  /** Events of their own for reasons of a run that waits. */
  private static final Map<String, Reason> EVENTS =
      Map.of(
          ActiveRun.RETRYING, Reason.AttemptFailed,
          ActiveRun.RESUMING, Reason.AttemptFailed,
          Queue.WAITING, Reason.Queued,
          Queue.EVICTED, Reason.Evicted);

  private Transitions() {}

  static List<RunEvent> between(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    List<RunEvent> events = new ArrayList<>();
    if (begins(before, after)) {
      events.add(
          new RunEvent(
              Reason.Started,
              "Runs the plan %s as Job %s".formatted(after.planDigest(), after.jobName()),
              ""));
    }
    if (before.phase() != after.phase()) {
      phaseEvent(before.phase(), after).ifPresent(events::add);
    }
    admission(before, after).ifPresent(events::add);
    if (!after.phase().isTerminal()) {
      obstacle(before, after).ifPresent(events::add);
    }
    return events.stream().map(event -> event.after(attempts(after))).toList();
  }

  /**
   * Whether the run has its Job now: what its user waits for is not held up by telling that it will
   * come.
   */
  private static boolean begins(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    return before.startTime() != null
        && attempts(before) == 0
        && before.phase() == Phase.Pending
        && after.phase() != Phase.Pending;
  }

  private static Optional<RunEvent> phaseEvent(Phase before, SafeFineTuneStatus after) {
    Condition ready = ready(after).orElseThrow();
    String generation = String.valueOf(after.observedGeneration());
    // Another attempt goes through the same phases again.
    String attempt = before == null ? "" : String.valueOf(attempts(after));
    return switch (after.phase()) {
      case Training -> Optional.of(new RunEvent(Reason.Training, training(after), attempt));
      case Evaluating -> Optional.of(new RunEvent(Reason.Evaluating, ready.getMessage(), attempt));
      case Publishing -> Optional.of(new RunEvent(Reason.Publishing, ready.getMessage(), attempt));
      case Succeeded -> Optional.of(new RunEvent(Reason.Succeeded, ready.getMessage(), ""));
      case Rejected -> Optional.of(new RunEvent(Reason.GateRefused, ready.getMessage(), ""));
      case Failed ->
          Optional.of(
              new RunEvent(Reason.Failed, ready.getReason() + ": " + ready.getMessage(), ""));
      case Suspended -> Optional.of(new RunEvent(Reason.Suspended, ready.getMessage(), generation));
      case Pending, Queued, Preparing ->
          before == Phase.Suspended
              ? Optional.of(new RunEvent(Reason.Resumed, "The run goes on", generation))
              : waiting(after, ready, attempt);
    };
  }

  /** What a pod or a queue waits for in particular is told as an obstacle. */
  private static Optional<RunEvent> waiting(
      SafeFineTuneStatus after, Condition ready, String attempt) {
    if (after.phase() == Phase.Preparing) {
      return Optional.of(new RunEvent(Reason.Preparing, ready.getMessage(), attempt));
    }
    return after.phase() == Phase.Queued && isOrdinary(ready)
        ? Optional.of(new RunEvent(Reason.Queued, ready.getMessage(), attempt))
        : Optional.empty();
  }

  private static String training(SafeFineTuneStatus after) {
    Integer resumed =
        attempts(after) == 0 ? null : after.attempts().get(attempts(after) - 1).resumedAtStep();
    return resumed == null
        ? "The trainer trains"
        : "The trainer trains; it went on from its checkpoint at step " + resumed;
  }

  /** A queue let the run through. */
  private static Optional<RunEvent> admission(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    boolean held = ready(before).filter(Transitions::isOfQueue).isPresent();
    boolean free = ready(after).filter(one -> !isOfQueue(one)).isPresent();
    return held && free && after.phase() != Phase.Suspended && !after.phase().isTerminal()
        ? Optional.of(
            new RunEvent(
                Reason.Admitted,
                "Kueue admitted the run from the queue " + after.queueName(),
                String.valueOf(attempts(after))))
        : Optional.empty();
  }

  /** A reason for not going on that is not merely the name of the phase. */
  private static Optional<RunEvent> obstacle(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    Condition ready = ready(after).orElseThrow();
    boolean told =
        ready(before)
            .filter(condition -> Objects.equals(condition.getReason(), ready.getReason()))
            .filter(condition -> Objects.equals(condition.getMessage(), ready.getMessage()))
            .isPresent();
    if (isOrdinary(ready) || told) {
      return Optional.empty();
    }
    String note = ready.getReason() + ": " + ready.getMessage();
    Reason known = EVENTS.get(ready.getReason());
    return Optional.of(
        known == null
            ? new RunEvent(isAccepted(after) ? Reason.Waiting : Reason.Blocked, note, note)
            : new RunEvent(known, ready.getMessage(), note));
  }

  private static boolean isOrdinary(Condition ready) {
    return Arrays.stream(Phase.values()).anyMatch(phase -> phase.name().equals(ready.getReason()));
  }

  private static boolean isOfQueue(Condition ready) {
    return Set.of(Queue.WAITING, Queue.NOT_FOUND, Queue.EVICTED).contains(ready.getReason());
  }

  private static boolean isAccepted(SafeFineTuneStatus status) {
    return condition(status, Conditions.ACCEPTED)
        .filter(condition -> "True".equals(condition.getStatus()))
        .isPresent();
  }

  private static int attempts(SafeFineTuneStatus status) {
    return status.attempts() == null ? 0 : status.attempts().size();
  }

  private static Optional<Condition> ready(SafeFineTuneStatus status) {
    return condition(status, Conditions.READY);
  }

  private static Optional<Condition> condition(SafeFineTuneStatus status, String type) {
    return Optional.ofNullable(status.conditions()).stream()
        .flatMap(List::stream)
        .filter(condition -> type.equals(condition.getType()))
        .findFirst();
  }
}
