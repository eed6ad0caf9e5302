package io.safegrad.trainer.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * What was recorded at regular steps of a run, thinned evenly so that a report stays small however
 * long the run is: when full, every second record is dropped and from then on half as many are
 * kept.
 *
 * @param <T> a record of one step
 */
final class StepSeries<T> {

  private final int capacity;
  private final ToIntFunction<T> step;
  private final List<T> kept = new ArrayList<>();
  private int stride = 1;

  /**
   * @param capacity an even number of records
   * @param step the step of a record; all are multiples of the first
   */
  StepSeries(int capacity, ToIntFunction<T> step) {
    this.capacity = capacity;
    this.step = step;
  }

  /** Adds a record; they come in their order. */
  void add(T added) {
    if (!isKept(added)) {
      return;
    }
    if (kept.size() == capacity) {
      stride *= 2;
      kept.removeIf(each -> !isKept(each));
      if (!isKept(added)) {
        return;
      }
    }
    kept.add(added);
  }

  private boolean isKept(T record) {
    return kept.isEmpty() || (step.applyAsInt(record) / first() - 1) % stride == 0;
  }

  private int first() {
    return step.applyAsInt(kept.get(0));
  }

  /** Goes on from what another series kept. */
  void resume(List<T> records) {
    kept.clear();
    kept.addAll(records);
    stride = kept.size() < 2 ? 1 : (step.applyAsInt(kept.get(1)) - first()) / first();
  }

  List<T> all() {
    return List.copyOf(kept);
  }
}
