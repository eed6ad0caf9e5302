package io.safegrad.trainer.model;

/**
 * How much a run computes at once.
 *
 * @param user the largest micro-batch of the user's examples
 * @param alignment the largest micro-batch of alignment examples; {@link Rows#NONE} for a method
 *     without
 * @param referenceTokens response tokens that the start model's states are kept of
 * @param prompts the largest batch of prompts that are answered together
 * @param replyTokens most tokens of a reply
 * @param judgeBytes what a classifier that judges replies takes; 0 for none
 */
public record Workload(
    Rows user,
    Rows alignment,
    long referenceTokens,
    Rows prompts,
    int replyTokens,
    long judgeBytes) {

  /**
   * Rows of one pass.
   *
   * @param count how many
   * @param length tokens of the longest
   */
  public record Rows(int count, int length) {

    public static final Rows NONE = new Rows(0, 0);

    long tokens() {
      return (long) count * length;
    }
  }
}
