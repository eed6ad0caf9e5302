package io.safegrad.api;

/**
 * What an evaluation of a model found while it trained.
 *
 * @param step optimizer steps done then
 * @param seconds wall-clock seconds the evaluation took
 * @param measurements of the model as it was after that step
 */
public record StepEvaluation(int step, double seconds, SafetyMeasurements measurements) {}
