package io.safegrad.trainer.train;

import io.safegrad.trainer.data.ShuffledIndexes;
import java.util.Random;
import java.util.stream.IntStream;

/** The order in which examples are taken. */
public enum ExampleOrder {
  /** Another random order in each pass, the same for the same seed. */
  SHUFFLED,
  /** As they stand in the file. */
  FILE;

  /** Indexes of one pass over {@code size} examples. */
  int[] pass(int size, Random random) {
    return this == SHUFFLED ? ShuffledIndexes.of(size, random) : IntStream.range(0, size).toArray();
  }
}
