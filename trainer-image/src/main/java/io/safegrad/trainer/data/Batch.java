package io.safegrad.trainer.data;

import java.util.Arrays;
import java.util.List;

/**
 * Examples of one forward pass, padded on the right to the longest. A causal model never looks at
 * what follows, so padding needs no attention mask.
 *
 * @param rows number of examples
 * @param length tokens per row
 * @param inputIds [rows, length], row-major; 0 where padded
 * @param labels [rows, length], row-major, aligned with inputIds; {@link TokenizedExample#IGNORED}
 *     where not trained on and where padded
 */
public record Batch(int rows, int length, int[] inputIds, int[] labels) {

  /** Pads the examples to the longest of them. */
  public static Batch of(List<TokenizedExample> examples) {
    int rows = examples.size();
    int length = examples.stream().mapToInt(TokenizedExample::length).max().orElseThrow();
    int[] inputIds = new int[rows * length];
    int[] labels = new int[rows * length];
    Arrays.fill(labels, TokenizedExample.IGNORED);
    for (int row = 0; row < rows; row++) {
      TokenizedExample example = examples.get(row);
      System.arraycopy(example.inputIds(), 0, inputIds, row * length, example.length());
      System.arraycopy(example.labels(), 0, labels, row * length, example.length());
    }
    return new Batch(rows, length, inputIds, labels);
  }
}
