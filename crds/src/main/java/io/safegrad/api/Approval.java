package io.safegrad.api;

import java.util.List;

/**
 * The operator's answer to an {@link ApprovalRequest}, sent by {@code POST /approval}.
 *
 * @param planDigest digest of the plan that the answer is for
 * @param approved whether the adapter may be published
 * @param failures why not, one sentence each; empty when it may
 */
public record Approval(String planDigest, boolean approved, List<String> failures) {

  /**
   * @throws IllegalArgumentException when a refusal gives no reason, or leave comes with one
   */
  public Approval {
    failures = failures == null ? List.of() : List.copyOf(failures);
    if (approved != failures.isEmpty()) {
      throw new IllegalArgumentException(
          "approved is %s with %d failures; expected failures with a refusal and with no other answer"
              .formatted(approved, failures.size()));
    }
  }

  /** The answer that has these objections. */
  public static Approval of(String planDigest, List<String> failures) {
    return new Approval(planDigest, failures.isEmpty(), failures);
  }
}
