package io.safegrad.trainer.model;

/**
 * How much a run computes at once.
 *
 * @param user the largest micro-batch of the user's examples
 * @param alignment the largest micro-batch of alignment examples; {@link Rows#NONE} for a method
 *     that trains on none
 * @param referenceTokens response tokens that the start model's states are kept of
 * @param attribution what measuring conflicts computes; {@link Attribution#NONE} where it is not
 * @param prompts the largest batch of prompts that are answered together
 * @param replyTokens most tokens of a reply
 * @param judgeBytes what a classifier that judges replies takes; 0 for none
 */
public record Workload(
    Rows user,
    Rows alignment,
    long referenceTokens,
    Attribution attribution,
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

  /**
   * What measuring conflicts computes.
   *
   * @param alignment the largest batch of alignment examples
   * @param afterTraining response tokens that the start model's states are kept of for it alone,
   *     when what training held is gone; 0 where it is measured between two steps
   */
  public record Attribution(Rows alignment, long afterTraining) {

    public static final Attribution NONE = new Attribution(Rows.NONE, 0);
  }
}
