package io.safegrad.operator.status;

import io.safegrad.api.AttributionCounts;
import io.safegrad.api.ExitReason;
import io.safegrad.api.GateCheck;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.observe.RunObservation.End;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.PodState;
import io.safegrad.operator.observe.TerminationMessage;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import java.util.List;
import java.util.Optional;

/**
 * How an ended run is judged. The exit code decides what kind of end it was; a success is believed
 * only when the operator's own comparison of the measurements with the gate finds the same.
 *
 * @param phase one of the terminal phases
 * @param reason the condition reason
 * @param message one sentence
 * @param gate whether the gate held; null when it was not measured, or not by a run of this plan
 * @param result the trainer's result; null when none can be read
 */
record Outcome(Phase phase, String reason, String message, Boolean gate, TrainingResult result) {

  /** What the gate's refusal is called, by the trainer or by the operator. */
  static final String GATE_REFUSED = ExitReason.GATE_REFUSED.conditionReason();

  /** What a policy's refusal is called, before the start or at the verdict. */
  static final String POLICY_VIOLATION = ConditionReason.PolicyViolation.name();

  /** What an exit code that is none of the trainer's is called. */
  static final String UNEXPECTED_EXIT = ConditionReason.UnexpectedExit.name();

  static final String DEADLINE_EXCEEDED = ConditionReason.DeadlineExceeded.name();

  /**
   * Judges an ended Job.
   *
   * @param end the Job's end
   * @param pod the newest pod whose trainer ended; null when none is left to tell
   * @param spec what was asked for
   * @param gate the gate of the verdict
   * @param planDigest digest of the plan the Job was made of
   * @param violations how the run falls short of the policies as they are now
   * @param memoryEstimateBytes what the trainer expected to need; null when it was not heard to say
   */
  static Outcome of(
      End end,
      PodState pod,
      SafeFineTuneSpec spec,
      Gate gate,
      String planDigest,
      List<PolicyViolation> violations,
      Long memoryEstimateBytes) {
    if (!end.complete() && DEADLINE_EXCEEDED.equals(end.reason())) {
      return failed(
          DEADLINE_EXCEEDED,
          "The run was stopped because it took longer than activeDeadlineSeconds"
              + (spec.activeDeadlineSeconds() == null
                  ? ""
                  : " (" + Figures.duration(spec.activeDeadlineSeconds()) + ")"),
          null);
    }
    if (pod == null) {
      return end.complete()
          ? failed(
              ConditionReason.ResultLost.name(),
              "The Job completed, but its pod is gone and the result with it; expected the pod to"
                  + " stay until the operator has read its termination message",
              null)
          : failed(orElse(end.reason(), "Failed"), orElse(end.message(), "The Job failed"), null);
    }
    Exit exit = pod.exit();
    Optional<TrainingResult> result = TerminationMessage.parse(exit.terminationMessage());
    if (exit.code() == ExitReason.SUCCESS.code()) {
      return end.complete()
          ? success(result.orElse(null), exit, spec, gate, planDigest, violations)
          : failed(orElse(end.reason(), "Failed"), orElse(end.message(), "The Job failed"), null);
    }
    return failure(
        result.orElse(null),
        pod,
        new MemoryHint(spec, memoryEstimateBytes),
        gate,
        planDigest,
        violations);
  }

  private static Outcome success(
      TrainingResult result,
      Exit exit,
      SafeFineTuneSpec spec,
      Gate gate,
      String planDigest,
      List<PolicyViolation> violations) {
    if (result == null) {
      return failed(
          ConditionReason.ResultUnreadable.name(),
          "The trainer ended with exit code 0, but "
              + unreadable(exit)
              + "; without measurements the gate cannot be checked",
          null);
    }
    if (!planDigest.equals(result.planDigest())) {
      return failed(
          ConditionReason.PlanMismatch.name(),
          "The trainer ran the plan %s; expected %s".formatted(result.planDigest(), planDigest),
          null);
    }
    if (result.reason() != ExitReason.SUCCESS) {
      return failed(
          ConditionReason.ResultUnreadable.name(),
          "The trainer ended with exit code 0, but reports "
              + result.reason().conditionReason()
              + "; expected both to say the same",
          null);
    }
    if (result.baseline() == null || result.result() == null) {
      return failed(
          ConditionReason.ResultUnreadable.name(),
          "The trainer reports success without measurements of the start model and of the"
              + " fine-tuned one; without them the gate cannot be checked",
          null);
    }
    List<String> failures = GateVerdict.failures(spec, gate, result.baseline(), result.result());
    if (!failures.isEmpty()) {
      return new Outcome(
          Phase.Rejected,
          GATE_REFUSED,
          "The trainer reports success, but the gate does not hold: " + String.join("; ", failures),
          false,
          result);
    }
    if (!violations.isEmpty()) {
      return policyViolation(violations, result);
    }
    return new Outcome(
        Phase.Succeeded,
        ExitReason.SUCCESS.conditionReason(),
        "The safety gate held and the adapter is published",
        true,
        result);
  }

  private static Outcome failure(
      TrainingResult result,
      PodState pod,
      MemoryHint memory,
      Gate gate,
      String planDigest,
      List<PolicyViolation> violations) {
    Exit exit = pod.exit();
    if (exit.outOfMemory()) {
      return failed(ExitReason.OUT_OF_MEMORY.conditionReason(), memory.killed(), null);
    }
    Optional<ExitReason> reason = ExitReason.ofCode(exit.code());
    if (reason.isEmpty() && pod.disruption() != null) {
      return failed(pod.disruption().reason(), pod.disruption().message(), null);
    }
    if (reason.isEmpty()) {
      return failed(
          UNEXPECTED_EXIT,
          "The trainer ended with exit code %d%s; expected one of the codes it has reasons for"
              .formatted(exit.code(), signal(exit.code())),
          null);
    }
    // A result that contradicts the exit code, or speaks of another plan, is none.
    TrainingResult believed =
        result != null && result.reason() == reason.get() && planMatches(result, planDigest)
            ? result
            : null;
    String message =
        believed == null || believed.message() == null || believed.message().isEmpty()
            ? "The trainer ended with exit code %d, but %s"
                .formatted(
                    exit.code(), result == null ? unreadable(exit) : "its result is not its own")
            : believed.message();
    if (reason.get() == ExitReason.START_MODEL_NOT_ALIGNED) {
      return new Outcome(Phase.Rejected, reason.get().conditionReason(), message, false, believed);
    }
    if (reason.get() == ExitReason.GATE_REFUSED) {
      // What the plan's gate let through was refused by policies that changed meanwhile.
      if (!violations.isEmpty() && gateHolds(believed, gate)) {
        return policyViolation(violations, believed);
      }
      return new Outcome(
          Phase.Rejected, GATE_REFUSED, gateMessage(believed, gate, message), false, believed);
    }
    if (reason.get() == ExitReason.OUT_OF_MEMORY) {
      return failed(reason.get().conditionReason(), message + "; " + memory.advice(), believed);
    }
    return failed(reason.get().conditionReason(), message, believed);
  }

  private static Outcome policyViolation(List<PolicyViolation> violations, TrainingResult result) {
    return new Outcome(
        Phase.Rejected,
        POLICY_VIOLATION,
        "The measurements pass the gate, but the policy as it is now does not admit the run: "
            + PolicyViolationException.sentences(violations),
        false,
        result);
  }

  private static boolean gateHolds(TrainingResult result, Gate gate) {
    return result != null
        && result.baseline() != null
        && result.result() != null
        && GateCheck.failures(gate, result.baseline(), result.result()).isEmpty();
  }

  private static String gateMessage(TrainingResult result, Gate gate, String otherwise) {
    if (result == null || result.baseline() == null || result.result() == null) {
      return otherwise;
    }
    List<String> failures = GateCheck.failures(gate, result.baseline(), result.result());
    return failures.isEmpty()
        ? otherwise
        : String.join("; ", failures) + examples(result.attribution());
  }

  /** Where to look for what did it. */
  private static String examples(AttributionCounts found) {
    return found == null || found.worst() == 0 ? "" : "; " + found.inWords();
  }

  /** A run that failed before it could read its plan names none. */
  private static boolean planMatches(TrainingResult result, String planDigest) {
    return result.planDigest() == null || result.planDigest().equals(planDigest);
  }

  private static String unreadable(Exit exit) {
    return exit.terminationMessage().isBlank()
        ? "it left no termination message"
        : "its termination message is not a result (%d characters, cut off or not JSON)"
            .formatted(exit.terminationMessage().length());
  }

  private static String signal(int code) {
    return code > 128 && code < 160 ? " (signal " + (code - 128) + ")" : "";
  }

  private static Outcome failed(String reason, String message, TrainingResult result) {
    return new Outcome(Phase.Failed, reason, message, null, result);
  }

  private static String orElse(String text, String otherwise) {
    return text == null || text.isBlank() ? otherwise : text;
  }
}
