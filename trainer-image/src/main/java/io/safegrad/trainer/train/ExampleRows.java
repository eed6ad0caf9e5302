package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.Packing;
import io.safegrad.trainer.data.TokenizedExample;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What {@code training.batchSize} counts: a row is an example, or as many as fit into {@code
 * training.maxLength} tokens where they are packed.
 */
final class ExampleRows {

  private final Training training;
  private final List<TokenizedExample> examples;
  // The examples of each row; null where each row is one.
  private final List<int[]> packed;

  private ExampleRows(Training training, List<TokenizedExample> examples, List<int[]> packed) {
    this.training = training;
    this.examples = examples;
    this.packed = packed;
  }

  static ExampleRows of(List<TokenizedExample> examples, Training training) {
    return new ExampleRows(
        training,
        examples,
        training.packing()
            ? Packing.bestFitDecreasing(TokenizedExample.lengths(examples), training.maxLength())
            : null);
  }

  /**
   * The same without some examples, packed anew.
   *
   * @param lines where those stand in their file
   */
  ExampleRows without(Set<Integer> lines) {
    List<TokenizedExample> all = examples;
    int[] kept =
        IntStream.range(0, all.size()).filter(i -> !lines.contains(all.get(i).line())).toArray();
    return of(
        new AbstractList<>() {
          @Override
          public TokenizedExample get(int index) {
            return all.get(kept[index]);
          }

          @Override
          public int size() {
            return kept.length;
          }
        },
        training);
  }

  int size() {
    return packed == null ? examples.size() : packed.size();
  }

  /** Tokens of each row. */
  int[] lengths() {
    int[] lengths = TokenizedExample.lengths(examples);
    return packed == null
        ? lengths
        : packed.stream()
            .mapToInt(row -> Arrays.stream(row).map(index -> lengths[index]).sum())
            .toArray();
  }

  /** The examples of some rows. */
  List<TokenizedExample> examples(List<Integer> rows) {
    if (packed == null) {
      return rows.stream().map(examples::get).toList();
    }
    List<TokenizedExample> found = new ArrayList<>();
    rows.forEach(row -> Arrays.stream(packed.get(row)).mapToObj(examples::get).forEach(found::add));
    return found;
  }
}
