package io.safegrad.trainer.data;

import java.util.Random;
import java.util.stream.IntStream;

/** Random orders of indexes, without an object for each. */
public final class ShuffledIndexes {

  private ShuffledIndexes() {}

  /** 0 to {@code size} in the order that {@link java.util.Collections#shuffle} gives them. */
  public static int[] of(int size, Random random) {
    int[] indexes = IntStream.range(0, size).toArray();
    for (int left = size; left > 1; left--) {
      int chosen = random.nextInt(left);
      int last = indexes[left - 1];
      indexes[left - 1] = indexes[chosen];
      indexes[chosen] = last;
    }
    return indexes;
  }
}
