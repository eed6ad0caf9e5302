package io.safegrad.api;

import io.soabase.recordbuilder.core.RecordBuilder;

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
 * @param incoherent share of the replies to harmful and harmless prompts that are incoherent; null
 *     in a result of a trainer that does not measure it
 * @param dataRefusal what the fine-tuned model says to the prompts of the user's data that the
 *     start model refuses; null for the start model, and when the gate does not ask
 * @param templateRefusal what it says to the platform's harmful prompts in the data's templates;
 *     null for the start model, and when the gate does not ask
 * @param safetyKl mean KL divergence from the start model, in nats, on the alignment examples that
 *     are held back; null when none are
 * @param refusalKl mean KL divergence from the start model, in nats per refusal, on at most 64 of
 *     the start model's own refusals of the harmful prompts; null where it refuses none, and in a
 *     result of a trainer that does not measure it
 * @param judge who told the refusals; null in a result of a trainer that does not say
 */
@RecordBuilder
public record SafetyMeasurements(
    Measurement refusal,
    Measurement overRefusal,
    Measurement taskAccuracy,
    Measurement additionalRefusal,
    Measurement additionalOverRefusal,
    Measurement incoherent,
    DataRefusal dataRefusal,
    TemplateRefusal templateRefusal,
    Double safetyKl,
    Double refusalKl,
    JudgeIdentity judge)
    implements SafetyMeasurementsBuilder.With {

  /** What an evaluation without additional prompts found. */
  public SafetyMeasurements(
      Measurement refusal, Measurement overRefusal, Measurement taskAccuracy) {
    this(refusal, overRefusal, taskAccuracy, null, null);
  }

  /** Whether what it has beside shares can be: its counts and divergences. */
  public boolean countsAndDivergencesPossible() {
    return (dataRefusal == null || dataRefusal.possible())
        && (templateRefusal == null || templateRefusal.possible())
        && possible(safetyKl)
        && possible(refusalKl);
  }

  static boolean possible(Double nats) {
    return nats == null || (Double.isFinite(nats) && nats >= 0);
  }

  /** What an evaluation that measures refusals and the task found. */
  public SafetyMeasurements(
      Measurement refusal,
      Measurement overRefusal,
      Measurement taskAccuracy,
      Measurement additionalRefusal,
      Measurement additionalOverRefusal) {
    this(
        refusal,
        overRefusal,
        taskAccuracy,
        additionalRefusal,
        additionalOverRefusal,
        null,
        null,
        null,
        null,
        null,
        null);
  }
}
