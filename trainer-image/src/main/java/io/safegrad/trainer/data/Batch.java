package io.safegrad.trainer.data;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Examples of one forward pass, one behind the other and without padding. Each sees itself alone,
 * with positions from 0.
 *
 * @param runs how they lie: {@code [rows, length, rows, length, …]}, each run a block of rows of
 *     one length
 * @param inputIds the tokens of all rows
 * @param labels aligned with inputIds; {@link TokenizedExample#IGNORED} where not trained on and at
 *     each row's first token, which nothing comes before
 */
public record Batch(long[] runs, int[] inputIds, int[] labels) {

  /** Examples in their order. */
  public static Batch of(List<TokenizedExample> examples) {
    int[] lengths = TokenizedExample.lengths(examples);
    int tokens = Arrays.stream(lengths).sum();
    int[] inputIds = new int[tokens];
    int[] labels = new int[tokens];
    Arrays.fill(labels, TokenizedExample.IGNORED);
    int first = 0;
    for (int i = 0; i < lengths.length; i++) {
      TokenizedExample example = examples.get(i);
      System.arraycopy(example.inputIds(), 0, inputIds, first, example.length());
      System.arraycopy(example.labels(), 0, labels, first, example.length());
      labels[first] = TokenizedExample.IGNORED;
      first += lengths[i];
    }
    return new Batch(runs(lengths), inputIds, labels);
  }

  /** Rows of one length that lie side by side are one run. */
  private static long[] runs(int[] lengths) {
    long[] runs = new long[2 * lengths.length];
    int end = 0;
    for (int length : lengths) {
      if (end == 0 || runs[end - 1] != length) {
        runs[end + 1] = length;
        end += 2;
      }
      runs[end - 2]++;
    }
    return Arrays.copyOf(runs, end);
  }

  /** These rows and behind them those of another batch. */
  public Batch followedBy(Batch other) {
    int[] lengths = IntStream.concat(lengths(), other.lengths()).toArray();
    return new Batch(runs(lengths), joined(inputIds, other.inputIds), joined(labels, other.labels));
  }

  private static int[] joined(int[] first, int[] second) {
    return IntStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
  }

  /** Some of the rows, from one on and before another. */
  public Batch rows(int first, int end) {
    int[] lengths = lengths().toArray();
    int from = Arrays.stream(lengths).limit(first).sum();
    int[] some = Arrays.copyOfRange(lengths, first, end);
    int to = from + Arrays.stream(some).sum();
    return new Batch(
        runs(some), Arrays.copyOfRange(inputIds, from, to), Arrays.copyOfRange(labels, from, to));
  }

  /** Tokens of each row. */
  public IntStream lengths() {
    return IntStream.range(0, runs.length / 2)
        .flatMap(
            run -> IntStream.range(0, (int) runs[2 * run]).map(row -> (int) runs[2 * run + 1]));
  }

  /** Tokens of all rows. */
  public int tokens() {
    return inputIds.length;
  }

  /** Tokens that are trained on. */
  public int responseTokens() {
    return (int) Arrays.stream(labels).filter(label -> label != TokenizedExample.IGNORED).count();
  }

  /** How many rows there are. */
  public int rows() {
    return (int) lengths().count();
  }

  /** Tokens of the longest row. */
  public int length() {
    return lengths().max().orElseThrow();
  }
}
