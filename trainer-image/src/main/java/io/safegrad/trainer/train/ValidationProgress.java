package io.safegrad.trainer.train;

/**
 * What the validation losses of a run were so far.
 *
 * @param bestLoss the smallest one, in nats; null while there is none
 * @param bestStep the step it was measured after; 0 while there is none
 * @param withoutImprovement measurements, up to the newest, none of which was better than the best
 *     one before it by more than {@code training.earlyStoppingThreshold}
 */
public record ValidationProgress(Double bestLoss, int bestStep, int withoutImprovement) {

  /** Before the first measurement. */
  public static final ValidationProgress NONE = new ValidationProgress(null, 0, 0);

  ValidationProgress with(int step, double loss, double threshold) {
    boolean better = bestLoss == null || loss < bestLoss;
    boolean improved = bestLoss == null || bestLoss - loss > threshold;
    return new ValidationProgress(
        better ? (Double) loss : bestLoss,
        better ? step : bestStep,
        improved ? 0 : withoutImprovement + 1);
  }
}
