package io.safegrad.trainer.data;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/**
 * Examples in two parts, each in the order of the file.
 *
 * @param training to learn from, one at least
 * @param validation held back; may be empty
 */
public record ValidationSplit(List<TokenizedExample> training, List<TokenizedExample> validation) {

  /** Keeps the choice apart from the data order, which is made from the seed itself. */
  private static final int SEED_OFFSET = 2;

  /**
   * Holds a share back, chosen at random: the same for the same seed, fraction and number of
   * examples. Unless it is 0, it is one example at least, and one at least is left.
   *
   * @param fraction from 0 to 1; null for 0, in a plan older than this field
   * @throws TrainerException with BAD_DATA when a share is asked for of fewer than two examples
   */
  public static ValidationSplit of(List<TokenizedExample> examples, Double fraction, int seed) {
    return of("dataset.validationFraction", examples, fraction, seed);
  }

  /**
   * The same for another field.
   *
   * @param field the plan's field that names the share
   */
  public static ValidationSplit of(
      String field, List<TokenizedExample> examples, Double fraction, int seed) {
    if (fraction == null || fraction == 0) {
      return new ValidationSplit(examples, List.of());
    }
    int size = examples.size();
    if (size < 2) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          field + ": expected at least two examples to hold some back, found " + size);
    }
    int held = Math.min(size - 1, Math.max(1, (int) Math.round(size * fraction)));
    BitSet heldBack = new BitSet(size);
    int[] shuffled = ShuffledIndexes.of(size, new Random(seed + (long) SEED_OFFSET));
    Arrays.stream(shuffled, 0, held).forEach(heldBack::set);
    int[] training = IntStream.range(0, size).filter(index -> !heldBack.get(index)).toArray();
    return new ValidationSplit(
        new Selection(examples, training), new Selection(examples, heldBack.stream().toArray()));
  }

  /**
   * Some of the examples, which stay where they are.
   *
   * @param indexes of those, in their order
   */
  public static List<TokenizedExample> selection(List<TokenizedExample> examples, int[] indexes) {
    return new Selection(examples, indexes);
  }

  private static final class Selection extends AbstractList<TokenizedExample>
      implements RandomAccess {

    private final List<TokenizedExample> examples;
    private final int[] indexes;

    Selection(List<TokenizedExample> examples, int[] indexes) {
      this.examples = examples;
      this.indexes = indexes;
    }

    @Override
    public TokenizedExample get(int index) {
      return examples.get(indexes[index]);
    }

    @Override
    public int size() {
      return indexes.length;
    }
  }
}
