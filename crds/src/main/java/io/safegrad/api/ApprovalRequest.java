package io.safegrad.api;

/**
 * What a trainer asks in {@code GET /progress} once its plan's gate holds: whether it may publish.
 *
 * @param baseline what the evaluation of the start model found
 * @param result what the evaluation of the fine-tuned model found
 */
public record ApprovalRequest(SafetyMeasurements baseline, SafetyMeasurements result) {}
