package io.safegrad.trainer.telemetry;

/**
 * The losses on the held-back examples that were measured while a run trained.
 *
 * @param measurements how many there are
 * @param bestLoss the smallest one, in nats
 * @param bestStep the step it was measured after
 * @param lastLoss the newest one, in nats
 * @param lastStep the step it was measured after
 */
public record ValidationSummary(
    int measurements, double bestLoss, int bestStep, double lastLoss, int lastStep) {

  /** The summary with one more. */
  public static ValidationSummary with(ValidationSummary before, int step, double loss) {
    if (before == null) {
      return new ValidationSummary(1, loss, step, loss, step);
    }
    boolean better = loss < before.bestLoss;
    return new ValidationSummary(
        before.measurements + 1,
        better ? loss : before.bestLoss,
        better ? step : before.bestStep,
        loss,
        step);
  }
}
