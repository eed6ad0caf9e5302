package io.safegrad.operator.plan;

import java.util.List;
import java.util.Objects;

/**
 * What one policy finds.
 *
 * @param policy the SafetyPolicy's name
 * @param found receives the violations
 */
record Violations(String policy, List<PolicyViolation> found) {

  void add(String field, String rule, Object value, String expected) {
    found.add(new PolicyViolation(field, rule, Objects.toString(value), expected, policy));
  }

  /**
   * Tells a text that no pattern matches.
   *
   * @param patterns null when any text is allowed
   */
  void unlessAllowed(String field, String value, String rule, List<String> patterns) {
    if (patterns != null && patterns.stream().noneMatch(glob -> Glob.matches(glob, value))) {
      add(
          field,
          rule,
          value,
          patterns.isEmpty()
              ? "none expected"
              : "one of " + String.join(", ", patterns) + " expected");
    }
  }
}
