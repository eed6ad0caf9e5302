package io.safegrad.trainer.train;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** The order in which examples are taken. */
public enum ExampleOrder {
  /** Another random order in each pass, the same for the same seed. */
  SHUFFLED,
  /** As they stand in the file. */
  FILE;

  /** Indexes of one pass over {@code size} examples. */
  List<Integer> pass(int size, Random random) {
    List<Integer> indexes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      indexes.add(i);
    }
    if (this == SHUFFLED) {
      Collections.shuffle(indexes, random);
    }
    return indexes;
  }
}
