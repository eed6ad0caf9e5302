package io.safegrad.trainer.model;

import java.util.Arrays;
import java.util.stream.IntStream;

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
   * @param lengths tokens of each
   */
  public record Rows(int[] lengths) {

    public static final Rows NONE = of(0, 0);

    /** So many rows of one length. */
    public static Rows of(int count, int length) {
      return new Rows(IntStream.generate(() -> length).limit(count).toArray());
    }

    int count() {
      return lengths.length;
    }

    /** Tokens of the longest; 0 where there is no row. */
    int length() {
      return Arrays.stream(lengths).max().orElse(0);
    }

    /** Tokens of all. */
    public long tokens() {
      return Arrays.stream(lengths).asLongStream().sum();
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
