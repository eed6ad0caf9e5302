package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.TerminationMessage;
import java.util.List;
import java.util.Optional;

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
  static final String RETRYING = "Retrying";

  static ActiveRun of(Phase phase, RunObservation observation) {
    if (phase == Phase.Suspended) {
      return new ActiveRun(phase.name(), "spec.suspend holds the run back", true);
    }
    if (observation.pod() != null && observation.pod().waiting() != null) {
      return new ActiveRun(
          observation.pod().waiting().reason(), observation.pod().waiting().message(), false);
    }
    if (observation.job() != null
        && observation.job().failedAttempts() > 0
        && observation.lastExit() != null
        && observation.lastExit().code() != ExitReason.SUCCESS.code()
        && (observation.pod() == null || observation.pod().stage() != PodStage.RUNNING)) {
      return new ActiveRun(
          RETRYING,
          "Attempt %d ended with %s; the Job starts another"
              .formatted(observation.job().failedAttempts(), describe(observation.lastExit())),
          false);
    }
    return new ActiveRun(phase.name(), message(phase), false);
  }

  List<Condition> conditions(Conditions conditions) {
    return conditions
        .set(Conditions.ACCEPTED, true, "Accepted", ACCEPTED_MESSAGE)
        .set(Conditions.SUCCEEDED, null, reason, message)
        .set(Conditions.SAFETY_GATE_PASSED, null, "NotMeasured", NOT_MEASURED)
        .set(Conditions.READY, false, reason, message)
        .set(Conditions.RECONCILING, !held, reason, message)
        .set(Conditions.STALLED, false, reason, message)
        .build();
  }

  private static String describe(Exit exit) {
    String reason =
        ExitReason.ofCode(exit.code())
            .map(ExitReason::conditionReason)
            .orElse("exit code " + exit.code());
    Optional<String> sentence =
        TerminationMessage.parse(exit.terminationMessage()).map(TrainingResult::message);
    return sentence.map(text -> reason + " (" + text + ")").orElse(reason);
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
