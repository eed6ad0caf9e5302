package io.safegrad.trainer.train;

import java.util.function.IntConsumer;

/**
 * Measures the model between two steps of a training, each time that so many are done. It only
 * reads the model, and takes no random number, so the training goes on as it would without it.
 *
 * @param everySteps 0 for never
 * @param evaluation is told how many steps are done; may throw to end the run
 */
public record PeriodicEvaluation(int everySteps, IntConsumer evaluation) {

  /** Measures nothing. */
  public static final PeriodicEvaluation NONE = new PeriodicEvaluation(0, steps -> {});

  /** Whether to measure after so many steps, if there are more to come. */
  boolean isDue(int steps) {
    return everySteps > 0 && steps > 0 && steps % everySteps == 0;
  }

  void before(int step) {
    if (isDue(step - 1)) {
      evaluation.accept(step - 1);
    }
  }
}
