package io.safegrad.trainer.data;

/**
 * A prompt whose reply is measured.
 *
 * @param inputIds token ids up to where the reply begins
 * @param expected the expected reply; null when there is none
 * @param line line of the source file, from 1
 */
public record EvaluationPrompt(int[] inputIds, String expected, int line) {}
