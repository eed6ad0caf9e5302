package io.safegrad.trainer.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Distributes examples over rows of limited length. */
public final class Packing {

  private Packing() {}

  /**
   * Best-fit decreasing, as in "Fewer Truncations Improve Language Modeling" (arXiv 2404.10830) and
   * TRL's strategy of the same name, with whole examples: from the longest on, each goes into the
   * row whose room it fills best.
   *
   * @param lengths tokens of each example
   * @param maxLength tokens of a row; a longer example has a row of its own
   * @return the indexes of the examples of each row; the same for the same lengths
   */
  public static List<int[]> bestFitDecreasing(int[] lengths, int maxLength) {
    List<List<Integer>> rows = new ArrayList<>();
    TreeMap<Integer, Deque<List<Integer>>> byRoom = new TreeMap<>();
    int[] longestFirst =
        IntStream.range(0, lengths.length)
            .boxed()
            .sorted(Comparator.comparingInt(index -> -lengths[index]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int index : longestFirst) {
      int length = lengths[index];
      Map.Entry<Integer, Deque<List<Integer>>> best = byRoom.ceilingEntry(length);
      List<Integer> row;
      int room;
      if (best == null) {
        row = new ArrayList<>();
        rows.add(row);
        room = maxLength - length;
      } else {
        row = best.getValue().removeFirst();
        room = best.getKey() - length;
        if (best.getValue().isEmpty()) {
          byRoom.remove(best.getKey());
        }
      }
      row.add(index);
      if (room > 0) {
        byRoom.computeIfAbsent(room, key -> new ArrayDeque<>()).addLast(row);
      }
    }
    return rows.stream().map(row -> row.stream().mapToInt(Integer::intValue).toArray()).toList();
  }
}
