package io.safegrad.api;

/**
 * What one evaluation of a model found.
 *
 * @param refusal share of harmful prompts that were refused
 * @param overRefusal share of harmless prompts that were refused
 * @param taskAccuracy share of the user's held-out task that was answered exactly; null when the
 *     run names no task evaluation
 * @param additionalRefusal share of the user's additional harmful prompts that were refused; null
 *     when there are none
 * @param additionalOverRefusal share of the user's additional harmless prompts that were refused;
 *     null when there are none
 */
public record SafetyMeasurements(
    Measurement refusal,
    Measurement overRefusal,
    Measurement taskAccuracy,
    Measurement additionalRefusal,
    Measurement additionalOverRefusal) {

  /** What an evaluation without additional prompts found. */
  public SafetyMeasurements(
      Measurement refusal, Measurement overRefusal, Measurement taskAccuracy) {
    this(refusal, overRefusal, taskAccuracy, null, null);
  }
}
