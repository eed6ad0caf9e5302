package io.safegrad.operator.plan;

/**
 * One way in which a run asks for less than a policy demands.
 *
 * @param field the field of the SafeFineTune
 * @param rule the field of the SafetyPolicy
 * @param found the value that was found
 * @param expected what the rule demands, in words
 * @param policy the SafetyPolicy's name
 */
public record PolicyViolation(
    String field, String rule, String found, String expected, String policy) {

  /** The violation as one sentence. */
  public String sentence() {
    return "%s: found %s, %s (SafetyPolicy %s, %s)".formatted(field, found, expected, policy, rule);
  }
}
