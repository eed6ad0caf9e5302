package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.status.RunEvent.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What happened between two statuses of one resource. */
final class Transitions {

  private Transitions() {}

  static List<RunEvent> between(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    List<RunEvent> events = new ArrayList<>();
    if (before.startTime() == null && after.startTime() != null) {
      events.add(
          new RunEvent(
              Reason.Started,
              "Runs the plan %s as Job %s".formatted(after.planDigest(), after.jobName()),
              ""));
    }
    if (before.phase() != after.phase()) {
      phaseEvent(before.phase(), after).ifPresent(events::add);
    }
    if (!after.phase().isTerminal()) {
      obstacle(before, after).ifPresent(events::add);
    }
    return events;
  }

  private static Optional<RunEvent> phaseEvent(Phase before, SafeFineTuneStatus after) {
    Condition ready = condition(after, Conditions.READY).orElseThrow();
    String generation = String.valueOf(after.observedGeneration());
    return switch (after.phase()) {
      case Training -> Optional.of(new RunEvent(Reason.Training, ready.getMessage(), ""));
      case Evaluating -> Optional.of(new RunEvent(Reason.Evaluating, ready.getMessage(), ""));
      case Publishing -> Optional.of(new RunEvent(Reason.Publishing, ready.getMessage(), ""));
      case Succeeded -> Optional.of(new RunEvent(Reason.Succeeded, ready.getMessage(), ""));
      case Rejected -> Optional.of(new RunEvent(Reason.GateRefused, ready.getMessage(), ""));
      case Failed ->
          Optional.of(
              new RunEvent(Reason.Failed, ready.getReason() + ": " + ready.getMessage(), ""));
      case Suspended -> Optional.of(new RunEvent(Reason.Suspended, ready.getMessage(), generation));
      case Pending, Queued, Preparing ->
          before == Phase.Suspended
              ? Optional.of(new RunEvent(Reason.Resumed, "The run goes on", generation))
              : Optional.empty();
    };
  }

  /** A reason for not going on that is not merely the name of the phase. */
  private static Optional<RunEvent> obstacle(SafeFineTuneStatus before, SafeFineTuneStatus after) {
    Condition ready = condition(after, Conditions.READY).orElseThrow();
    boolean ordinary =
        Arrays.stream(Phase.values()).anyMatch(phase -> phase.name().equals(ready.getReason()));
    boolean known =
        condition(before, Conditions.READY)
            .filter(condition -> Objects.equals(condition.getReason(), ready.getReason()))
            .filter(condition -> Objects.equals(condition.getMessage(), ready.getMessage()))
            .isPresent();
    if (ordinary || known) {
      return Optional.empty();
    }
    String note = ready.getReason() + ": " + ready.getMessage();
    if (ActiveRun.RETRYING.equals(ready.getReason())) {
      return Optional.of(new RunEvent(Reason.AttemptFailed, ready.getMessage(), note));
    }
    boolean accepted =
        condition(after, Conditions.ACCEPTED)
            .filter(condition -> "True".equals(condition.getStatus()))
            .isPresent();
    return Optional.of(new RunEvent(accepted ? Reason.Waiting : Reason.Blocked, note, note));
  }

  private static Optional<Condition> condition(SafeFineTuneStatus status, String type) {
    return Optional.ofNullable(status.conditions()).stream()
        .flatMap(List::stream)
        .filter(condition -> type.equals(condition.getType()))
        .findFirst();
  }
}
