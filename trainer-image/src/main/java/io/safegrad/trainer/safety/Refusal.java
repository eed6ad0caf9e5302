package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.EvaluationPrompt;

/**
 * A prompt that a model refuses, and its own words.
 *
 * @param prompt the prompt
 * @param reply the refusal, special tokens left out
 */
public record Refusal(EvaluationPrompt prompt, String reply) {}
