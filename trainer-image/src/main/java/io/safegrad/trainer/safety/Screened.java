package io.safegrad.trainer.safety;

import java.util.List;

/**
 * What the start model said of the user's examples.
 *
 * @param examples that it was asked
 * @param lines of those that it refuses, from 1, in the order of the file
 * @param aligned whether their prompts became alignment examples of the user's own
 * @param seconds that it took
 */
public record Screened(int examples, List<Integer> lines, boolean aligned, double seconds) {

  /** In one sentence, without the lines. */
  public String inWords() {
    return "%d of %d examples, whose prompts the start model refuses, were left out%s"
        .formatted(lines.size(), examples, aligned ? " and keep the alignment instead" : "");
  }
}
