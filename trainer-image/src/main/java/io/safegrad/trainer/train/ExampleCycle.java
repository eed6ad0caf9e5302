package io.safegrad.trainer.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Takes indexes of a set again and again, without end, each pass in the order's next order. */
final class ExampleCycle {

  private final int size;
  private final ExampleOrder order;
  private final Random random;
  private int[] pass = {};
  private int next;
  private long taken;

  ExampleCycle(int size, ExampleOrder order, long seed) {
    this.size = size;
    this.order = order;
    this.random = new Random(seed);
  }

  /** The next indexes; a batch may reach from the end of one pass into the next. */
  List<Integer> take(int count) {
    List<Integer> indexes = new ArrayList<>();
    while (indexes.size() < count) {
      if (next == pass.length) {
        pass = order.pass(size, random);
        next = 0;
      }
      indexes.add(pass[next++]);
    }
    taken += count;
    return indexes;
  }

  /** The batches of the first pass of a cycle. */
  static List<List<Integer>> firstPass(int size, ExampleOrder order, long seed, int batchSize) {
    ExampleCycle cycle = new ExampleCycle(size, order, seed);
    List<List<Integer>> batches = new ArrayList<>();
    do {
      batches.add(cycle.takeWithinPass(batchSize));
    } while (!cycle.atEndOfPass());
    return batches;
  }

  /** How many indexes were taken so far: with set, order and seed, all that a cycle's state is. */
  long taken() {
    return taken;
  }

  /** Takes none, but goes to where so many are taken; never back. */
  void skipTo(long position) {
    while (taken < position) {
      int left = next == pass.length ? size : pass.length - next;
      take((int) Math.min(left, position - taken));
    }
  }

  /** The next indexes, at most to the end of the pass. */
  List<Integer> takeWithinPass(int count) {
    int left = next == pass.length ? size : pass.length - next;
    return take(Math.min(count, left));
  }

  /** Whether the pass is at its end. */
  boolean atEndOfPass() {
    return next == pass.length;
  }
}
