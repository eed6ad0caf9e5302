package io.safegrad.trainer.report;

import io.safegrad.trainer.train.StepMetrics;
import java.util.ArrayList;
import java.util.List;

/**
 * The steps of a run, thinned evenly so that a report stays small however long the run is: when
 * full, every second one is dropped and from then on half as many are kept.
 */
final class StepSeries {

  private final int capacity;
  private final List<StepMetrics> kept = new ArrayList<>();
  private int stride = 1;

  /**
   * @param capacity an even number of steps
   */
  StepSeries(int capacity) {
    this.capacity = capacity;
  }

  /** Adds a step; they come in their order, from 1. */
  void add(StepMetrics step) {
    if ((step.step() - 1) % stride != 0) {
      return;
    }
    if (kept.size() == capacity) {
      stride *= 2;
      kept.removeIf(each -> (each.step() - 1) % stride != 0);
      if ((step.step() - 1) % stride != 0) {
        return;
      }
    }
    kept.add(step);
  }

  /** Goes on from the steps that another series kept. */
  void resume(List<StepMetrics> steps) {
    kept.clear();
    kept.addAll(steps);
    stride = kept.size() < 2 ? 1 : kept.get(1).step() - kept.get(0).step();
  }

  List<StepMetrics> steps() {
    return List.copyOf(kept);
  }
}
