package io.safegrad.trainer.data;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Distributes examples over rows, or over batches, of limited length. */
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
    for (int index : sorted(lengths, Comparator.comparingInt(i -> -lengths[i]))) {
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

  /**
   * Batches of as many examples as fit, those of similar length together.
   *
   * @param lengths tokens of each example
   * @param maxTokens of a batch; a longer example is a batch of its own
   * @return the indexes of the examples of each batch, the shortest first
   */
  public static List<List<Integer>> batchesByLength(int[] lengths, long maxTokens) {
    List<List<Integer>> batches = new ArrayList<>();
    long room = 0;
    for (int index : sorted(lengths, Comparator.comparingInt(i -> lengths[i]))) {
      if (batches.isEmpty() || lengths[index] > room) {
        batches.add(new ArrayList<>());
        room = maxTokens;
      }
      batches.get(batches.size() - 1).add(index);
      room -= lengths[index];
    }
    return batches;
  }

  /** The lengths of so many of the longest examples, or of all, the longest first. */
  public static int[] longest(int[] lengths, int count) {
    int[] ascending = lengths.clone();
    Arrays.sort(ascending);
    int first = Math.max(0, ascending.length - count);
    return IntStream.range(0, ascending.length - first)
        .map(i -> ascending[ascending.length - 1 - i])
        .toArray();
  }

  private static int[] sorted(int[] lengths, Comparator<Integer> order) {
    return IntStream.range(0, lengths.length)
        .boxed()
        .sorted(order)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
