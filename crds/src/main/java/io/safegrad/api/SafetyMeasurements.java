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
 * @param incoherent share of the replies to harmful and harmless prompts that are incoherent; null
 *     in a result of a trainer that does not measure it
 * @param dataRefusal what the fine-tuned model says to the prompts of the user's data that the
 *     start model refuses; null for the start model, and when the gate does not ask
 * @param templateRefusal what it says to the platform's harmful prompts in the data's templates;
 *     null for the start model, and when the gate does not ask
 * @param safetyKl mean KL divergence from the start model, in nats, on the alignment examples that
 *     are held back; null when none are
 * @param judge who told the refusals; null in a result of a trainer that does not say
 */
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
    JudgeIdentity judge) {

  /** What an evaluation without additional prompts found. */
  public SafetyMeasurements(
      Measurement refusal, Measurement overRefusal, Measurement taskAccuracy) {
    this(refusal, overRefusal, taskAccuracy, null, null, null, null, null, null, null);
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
        null);
  }

  /** The same with what was said to the prompts of the data. */
  public SafetyMeasurements withDataRefusal(DataRefusal counted) {
    return new SafetyMeasurements(
        refusal,
        overRefusal,
        taskAccuracy,
        additionalRefusal,
        additionalOverRefusal,
        incoherent,
        counted,
        templateRefusal,
        safetyKl,
        judge);
  }

  /** The same with what was said to harmful prompts in the data's templates. */
  public SafetyMeasurements withTemplateRefusal(TemplateRefusal counted) {
    return new SafetyMeasurements(
        refusal,
        overRefusal,
        taskAccuracy,
        additionalRefusal,
        additionalOverRefusal,
        incoherent,
        dataRefusal,
        counted,
        safetyKl,
        judge);
  }

  /** The same with the divergence on the alignment examples that are held back. */
  public SafetyMeasurements withSafetyKl(Double kl) {
    return new SafetyMeasurements(
        refusal,
        overRefusal,
        taskAccuracy,
        additionalRefusal,
        additionalOverRefusal,
        incoherent,
        dataRefusal,
        templateRefusal,
        kl,
        judge);
  }

  /** The same, judged by somebody else. */
  public SafetyMeasurements withJudge(JudgeIdentity other) {
    return new SafetyMeasurements(
        refusal,
        overRefusal,
        taskAccuracy,
        additionalRefusal,
        additionalOverRefusal,
        incoherent,
        dataRefusal,
        templateRefusal,
        safetyKl,
        other);
  }
}
