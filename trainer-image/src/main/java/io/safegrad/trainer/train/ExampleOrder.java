package io.safegrad.trainer.train;

import io.safegrad.trainer.data.ShuffledIndexes;
import java.util.Random;
import java.util.stream.IntStream;

/** The order in which examples are taken. */
@FunctionalInterface
public interface ExampleOrder {

  /** Another random order in each pass, the same for the same seed. */
  ExampleOrder SHUFFLED = ShuffledIndexes::of;

  /** As they stand in the file. */
  ExampleOrder FILE = (size, random) -> IntStream.range(0, size).toArray();

  /** Indexes of one pass over {@code size} examples. */
  int[] pass(int size, Random random);

  /**
   * A random order in which neighbours are of similar length, as Hugging Face's {@code
   * group_by_length}: shuffled, and then the longest first within groups of some batches; the
   * longest of all is the very first, so that a run that lacks memory ends at once.
   *
   * @param lengths tokens of each example
   * @param batchSize examples of one optimizer step
   */
  static ExampleOrder groupedByLength(int[] lengths, int batchSize) {
    return (size, random) -> {
      int[] indexes = ShuffledIndexes.of(size, random);
      int group = batchSize * Math.max(1, Math.min(size / (batchSize * 4), 50));
      int longest = 0;
      for (int from = 0; from < size; from += group) {
        int[] sorted =
            IntStream.range(from, Math.min(size, from + group))
                .map(i -> indexes[i])
                .boxed()
                .sorted((a, b) -> lengths[b] - lengths[a])
                .mapToInt(Integer::intValue)
                .toArray();
        System.arraycopy(sorted, 0, indexes, from, sorted.length);
        longest = lengths[indexes[from]] > lengths[indexes[longest]] ? from : longest;
      }
      int first = indexes[0];
      indexes[0] = indexes[longest];
      indexes[longest] = first;
      return indexes;
    };
  }
}
