package io.safegrad.operator.status;

import io.safegrad.api.Approval;
import io.safegrad.api.GateCheck;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.observe.Sentence;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The operator's own comparison of a trainer's measurements with the gate: before the adapter is
 * published, and again when the run has ended.
 */
final class GateVerdict {

  private static final int LONGEST_NAME = 64;

  private GateVerdict() {}

  /** What speaks against the adapter, one sentence each; empty when the gate holds. */
  static List<String> failures(
      SafeFineTuneSpec spec, Gate gate, SafetyMeasurements baseline, SafetyMeasurements result) {
    return Stream.concat(
            GateCheck.failures(gate, baseline, result).stream(),
            otherJudge(spec.safety().evaluation().judge(), result.judge()).stream())
        .toList();
  }

  /** The answer to a trainer that asks whether it may publish. */
  static Approval approval(
      String planDigest, List<String> gateFailures, List<PolicyViolation> violations) {
    return Approval.of(
        planDigest,
        Stream.concat(
                gateFailures.stream(),
                violations.isEmpty()
                    ? Stream.empty()
                    : Stream.of(
                        "the policy as it is now does not admit the run: "
                            + PolicyViolationException.sentences(violations)))
            .toList());
  }

  /** A trainer that does not say who judged is older than the choice: it has the default only. */
  private static Optional<String> otherJudge(Judge asked, JudgeIdentity found) {
    String name = found == null ? Judge.DEFAULT.shownName() : found.name();
    return asked.shownName().equals(name)
        ? Optional.empty()
        : Optional.of(
            "judge: the trainer's measurements are judged by %s, %s expected"
                .formatted(Sentence.of(name, LONGEST_NAME), asked.shownName()));
  }
}
