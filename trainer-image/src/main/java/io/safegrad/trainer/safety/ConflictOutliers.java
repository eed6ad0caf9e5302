package io.safegrad.trainer.safety;

import java.util.Arrays;
import java.util.OptionalDouble;

/**
 * Which examples' conflicts stand apart from all others'. The values are split in two where the
 * variance between the groups is largest (Otsu 1979, IEEE Trans. SMC 9). The upper group is
 * condemned when its mean is positive and at least {@value #TIMES} times as large as what {@value
 * #PERCENT} percent of the lower group stay below, in absolute value; else no one is.
 */
public final class ConflictOutliers {

  static final int TIMES = 10;
  static final int PERCENT = 95;

  private ConflictOutliers() {}

  /**
   * The conflict above which an example is condemned; empty when none is.
   *
   * @param conflicts of all examples, all finite
   */
  public static OptionalDouble threshold(double[] conflicts) {
    double[] sorted = conflicts.clone();
    Arrays.sort(sorted);
    int lower = lowerGroup(sorted);
    if (lower == 0) {
      return OptionalDouble.empty();
    }
    double mean = Arrays.stream(sorted, lower, sorted.length).average().orElseThrow();
    double[] magnitudes = Arrays.stream(sorted, 0, lower).map(Math::abs).sorted().toArray();
    double usual = magnitudes[(lower - 1) * PERCENT / 100];
    return mean > 0 && mean >= TIMES * usual
        ? OptionalDouble.of(sorted[lower - 1])
        : OptionalDouble.empty();
  }

  /** How many of the smallest values are the lower group; 0 when all are equal. */
  private static int lowerGroup(double[] sorted) {
    double total = Arrays.stream(sorted).sum();
    double sum = 0;
    double largest = 0;
    int best = 0;
    for (int count = 1; count < sorted.length; count++) {
      sum += sorted[count - 1];
      double difference = (total - sum) / (sorted.length - count) - sum / count;
      double between = (double) count * (sorted.length - count) * difference * difference;
      if (sorted[count - 1] < sorted[count] && between > largest) {
        largest = between;
        best = count;
      }
    }
    return best;
  }
}
