package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.ValidationSplit;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A bounded number of examples, drawn evenly from all of the file. */
public final class ExampleSample {

  private ExampleSample() {}

  /**
   * At most so many examples, one from each of as many equal parts of the file: the same ones for
   * the same data. Which one of a part it is depends on all of the data, so that nobody knows which
   * lines are not asked before the last one is written.
   */
  public static List<TokenizedExample> of(List<TokenizedExample> examples, int most) {
    int size = examples.size();
    if (size <= most) {
      return examples;
    }
    SplittableRandom random = new SplittableRandom(seed(examples));
    int[] drawn = new int[most];
    for (int part = 0; part < most; part++) {
      int start = (int) ((long) part * size / most);
      int end = (int) ((part + 1L) * size / most);
      drawn[part] = random.nextInt(start, end);
    }
    return ValidationSplit.selection(examples, drawn);
  }

  private static long seed(List<TokenizedExample> examples) {
    long seed = examples.size();
    for (TokenizedExample example : examples) {
      seed = 0x9E3779B97F4A7C15L * seed + Arrays.hashCode(example.inputIds());
      seed ^= seed >>> 32;
    }
    return seed;
  }
}
