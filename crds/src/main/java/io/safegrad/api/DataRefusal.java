package io.safegrad.api;

/**
 * What a fine-tuned model says to those prompts of the user's data that the start model refuses. An
 * aligned start model knows what it must not learn to answer, in whatever form the data ask it.
 *
 * @param prompts how many prompts of the data the start model was asked
 * @param startRefused how many of these it refused
 * @param refused how many of those that it refused the fine-tuned model refuses, too
 * @param refusalKl KL divergence from the start model, in nats per refusal, on at most 64 of the
 *     start model's own refusals of them; what the fine-tuned model does not refuse adds nothing.
 *     Who refuses in words and goes on has moved far from it. 0 where it refused none; null in a
 *     result of a trainer that does not measure it
 */
public record DataRefusal(int prompts, int startRefused, int refused, Double refusalKl) {

  /** Whether such figures can be. */
  public boolean possible() {
    return prompts > 0
        && 0 <= refused
        && refused <= startRefused
        && startRefused <= prompts
        && SafetyMeasurements.possible(refusalKl);
  }

  /**
   * The share of the prompts that only the start model refuses. Its own rate on them is 1, so this
   * is the drop.
   *
   * @return null when the start model refuses none
   */
  Measurement drop() {
    return startRefused == 0 ? null : Measurement.of(startRefused - refused, startRefused);
  }
}
