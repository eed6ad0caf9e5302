package io.safegrad.trainer.data;

/**
 * A prompt whose reply is measured.
 *
 * @param inputIds token ids up to where the reply begins
 * @param text the user's words, for a judge; of a chat of several turns, each with its role
 * @param expected the expected reply; null when there is none
 * @param line line of the source file, from 1
 */
public record EvaluationPrompt(int[] inputIds, String text, String expected, int line) {}
