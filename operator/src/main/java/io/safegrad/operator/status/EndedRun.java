package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Condition;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Artifact;
import java.util.List;

/** What the status says of a run that has ended. */
final class EndedRun {

  private EndedRun() {}

  /** What the conditions say from now on. */
  static List<Condition> conditions(Outcome outcome, Conditions conditions) {
    boolean badPlan = ExitReason.BAD_PLAN.conditionReason().equals(outcome.reason());
    boolean succeeded = outcome.phase() == Phase.Succeeded;
    if (badPlan) {
      conditions.set(Conditions.ACCEPTED, false, outcome.reason(), outcome.message());
    } else {
      conditions.set(
          Conditions.ACCEPTED, true, ConditionReason.Accepted.name(), ActiveRun.ACCEPTED_MESSAGE);
    }
    conditions.set(Conditions.SUCCEEDED, succeeded, outcome.reason(), outcome.message());
    if (outcome.gate() == null) {
      conditions.set(
          Conditions.SAFETY_GATE_PASSED,
          null,
          ConditionReason.NotMeasured.name(),
          "The run ended without a measurement");
    } else {
      conditions.set(
          Conditions.SAFETY_GATE_PASSED,
          outcome.gate(),
          outcome.gate() ? ConditionReason.GateHeld.name() : outcome.reason(),
          outcome.message());
    }
    return conditions
        .set(Conditions.READY, succeeded, outcome.reason(), outcome.message())
        .set(Conditions.RECONCILING, false, outcome.reason(), "The run has ended")
        .set(Conditions.STALLED, !succeeded, outcome.reason(), outcome.message())
        .build();
  }

  /** An adapter that was not let through is not named, even where the trainer wrote one. */
  static Artifact artifact(Outcome outcome) {
    TrainingResult result = outcome.result();
    if (result == null || (result.report() == null && result.artifact() == null)) {
      return null;
    }
    return outcome.phase() == Phase.Succeeded
        ? new Artifact(result.artifact(), result.artifactDigest(), result.report())
        : new Artifact(null, null, result.report());
  }
}
