package io.safegrad.trainer.safety;

import java.util.List;

/**
 * What the fine-tuned model was asked again of what the start model refuses of the user's data. The
 * counts are among its measurements.
 *
 * @param examples of the data set
 * @param asked examples whose prompts the start model was asked
 * @param lines of those with a prompt that the start model refuses and the fine-tuned one no
 *     longer, from 1, in the order of the file
 * @param seconds that both took
 */
public record AskedAgain(int examples, int asked, List<Integer> lines, double seconds) {}
