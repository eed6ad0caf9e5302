package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Training;

/**
 * The learning rate of each step, by the formulas of Hugging Face transformers' {@code
 * get_constant_schedule_with_warmup}, {@code get_linear_schedule_with_warmup} and {@code
 * get_cosine_schedule_with_warmup}.
 *
 * @param scheduler how it goes on after the warm-up
 * @param peak the learning rate at the end of the warm-up
 * @param warmupSteps steps over which it rises from 0
 * @param totalSteps steps of the run
 */
record LearningRateSchedule(
    Training.Scheduler scheduler, double peak, int warmupSteps, int totalSteps) {

  static LearningRateSchedule of(Training training, int totalSteps) {
    int warmupSteps = (int) Math.ceil(totalSteps * training.warmupRatio());
    return new LearningRateSchedule(
        training.scheduler(), training.learningRate(), warmupSteps, totalSteps);
  }

  /**
   * The learning rate of a step.
   *
   * @param done steps done before it, from 0
   */
  double at(int done) {
    return peak * factor(done);
  }

  private double factor(int done) {
    if (done < warmupSteps) {
      return (double) done / warmupSteps;
    }
    double left = (double) (totalSteps - done) / Math.max(1, totalSteps - warmupSteps);
    return switch (scheduler) {
      case Constant -> 1;
      case Linear -> Math.max(0, left);
      case Cosine -> 0.5 * (1 + Math.cos(Math.PI * (1 - left)));
    };
  }
}
