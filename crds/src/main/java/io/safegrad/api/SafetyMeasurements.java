package io.safegrad.api;

/**
 * What one evaluation of a model found.
 *
 * @param refusal share of harmful prompts that were refused
 * @param overRefusal share of harmless prompts that were refused
 * @param taskAccuracy share of the user's held-out task that was answered exactly; null when the
 *     run names no task evaluation
 */
public record SafetyMeasurements(
    Measurement refusal, Measurement overRefusal, Measurement taskAccuracy) {}
