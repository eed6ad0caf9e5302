package io.safegrad.trainer.train;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The micro-batches of one optimizer step, over which gradients are accumulated. A loss is the mean
 * over all response tokens of the window, so that two micro-batches are the same as one of double
 * size.
 *
 * @param microBatches one at least
 * @param numTokens tokens of all examples, padding not counted
 * @param userLines where the user's examples stand in their file; empty when they are not read
 * @param alignmentLines where the alignment examples stand in theirs; likewise
 */
record Window(
    List<MicroBatch> microBatches,
    int numTokens,
    List<Integer> userLines,
    List<Integer> alignmentLines) {

  /**
   * What one forward and backward sees.
   *
   * @param user the user's examples; null when they are not read
   * @param alignment the alignment examples; null when they are not read
   * @param own the user's own alignment examples, which come with the user's others; null for none
   * @param pass how many of the user's examples were taken before it: the number of its dropout
   */
  record MicroBatch(Batch user, AlignmentBatch alignment, AlignmentBatch own, long pass) {}

  /** The examples that a window is of. */
  enum Content {
    USER,
    ALIGNMENT,
    BOTH
  }

  /** Whose examples these are; it is the same in all micro-batches. */
  Content content() {
    MicroBatch first = microBatches.get(0);
    if (first.user() == null) {
      return Content.ALIGNMENT;
    }
    return first.alignment() == null ? Content.USER : Content.BOTH;
  }

  /**
   * Ends a run whose numbers have gone wrong.
   *
   * @throws TrainerException with BAD_DATA, naming the step and the examples' lines, when the value
   *     is infinite or not a number
   */
  void requireFinite(String what, Double value, int step) {
    if (value != null && !Double.isFinite(value)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          what
              + " of step "
              + step
              + " is "
              + value
              + "; expected a finite number; the step's examples are "
              + Stream.of(lines(userLines, "data"), lines(alignmentLines, "alignment"))
                  .flatMap(Optional::stream)
                  .collect(Collectors.joining(" and ")));
    }
  }

  private static Optional<String> lines(List<Integer> lines, String set) {
    return lines.isEmpty()
        ? Optional.empty()
        : Optional.of("lines %s of the %s set".formatted(lines, set));
  }

  /** Response tokens of the user's examples. */
  int userResponseTokens() {
    return microBatches.stream().mapToInt(each -> each.user().responseTokens()).sum();
  }

  /** Response tokens of the alignment examples. */
  int alignmentResponseTokens() {
    return microBatches.stream().mapToInt(each -> each.alignment().batch().responseTokens()).sum();
  }

  /** Response tokens of the user's own alignment examples; 0 for none. */
  int ownResponseTokens() {
    return microBatches.stream()
        .filter(each -> each.own() != null)
        .mapToInt(each -> each.own().batch().responseTokens())
        .sum();
  }
}
