package io.safegrad.trainer.train;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import java.util.List;

/**
 * The micro-batches of one optimizer step, over which gradients are accumulated. A loss is the mean
 * over all response tokens of the window, so that two micro-batches are the same as one of double
 * size.
 *
 * @param microBatches one at least
 * @param numTokens tokens of all examples, padding not counted
 * @param userLines where the user's examples stand in their file
 * @param alignmentLines where the alignment examples stand in theirs; empty for Sft
 */
record Window(
    List<MicroBatch> microBatches,
    int numTokens,
    List<Integer> userLines,
    List<Integer> alignmentLines) {

  /**
   * What one forward and backward sees.
   *
   * @param user the user's examples
   * @param alignment the alignment examples; null for Sft
   * @param own the user's own alignment examples; null for none
   */
  record MicroBatch(Batch user, AlignmentBatch alignment, AlignmentBatch own) {}

  /**
   * Ends a run whose numbers have gone wrong.
   *
   * @throws TrainerException with BAD_DATA, naming the step and the examples' lines, when the value
   *     is infinite or not a number
   */
  void requireFinite(String what, double value, int step) {
    if (!Double.isFinite(value)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          what
              + " of step "
              + step
              + " is "
              + value
              + "; expected a finite number; the step's examples are lines "
              + userLines
              + " of the data set"
              + (alignmentLines.isEmpty()
                  ? ""
                  : " and lines " + alignmentLines + " of the alignment set"));
    }
  }

  /** Response tokens of the user's examples. */
  int userResponseTokens() {
    return microBatches.stream().mapToInt(each -> responseTokens(each.user())).sum();
  }

  /** Response tokens of the alignment examples. */
  int alignmentResponseTokens() {
    return microBatches.stream().mapToInt(each -> responseTokens(each.alignment().batch())).sum();
  }

  /** Response tokens of the user's own alignment examples; 0 for none. */
  int ownResponseTokens() {
    return microBatches.stream()
        .filter(each -> each.own() != null)
        .mapToInt(each -> responseTokens(each.own().batch()))
        .sum();
  }

  /** Tokens of a batch that the loss is on. */
  static int responseTokens(Batch batch) {
    int count = 0;
    for (int i = 0; i < batch.labels().length; i++) {
      if (i % batch.length() > 0 && batch.labels()[i] != TokenizedExample.IGNORED) {
        count++;
      }
    }
    return count;
  }
}
