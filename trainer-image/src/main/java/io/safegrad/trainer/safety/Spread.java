package io.safegrad.trainer.safety;

import java.util.List;
import java.util.stream.IntStream;

/** Some of a list, from all of it. */
final class Spread {

  private Spread() {}

  /** At most so many, in their order, at equal distances. */
  static <T> List<T> of(List<T> all, int count) {
    int most = Math.min(count, all.size());
    return IntStream.range(0, most)
        .mapToObj(i -> all.get((int) ((long) i * all.size() / most)))
        .toList();
  }
}
