package io.safegrad.operator.plan;

import java.util.List;
import java.util.stream.Collectors;

/** A resource that a policy of its namespace does not let run. Names every violation. */
public final class PolicyViolationException extends PlanException {

  private final transient List<PolicyViolation> violations;

  public PolicyViolationException(List<PolicyViolation> violations) {
    super(sentences(violations));
    this.violations = List.copyOf(violations);
  }

  /** Each violation. */
  public List<PolicyViolation> violations() {
    return violations;
  }

  /** All violations in one line. */
  public static String sentences(List<PolicyViolation> violations) {
    return violations.stream().map(PolicyViolation::sentence).collect(Collectors.joining("; "));
  }
}
