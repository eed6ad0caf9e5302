package io.safegrad.trainer.judge;

/**
 * A prompt and what a model answered.
 *
 * @param prompt the user's words
 * @param reply the model's, special tokens left out
 */
public record Exchange(String prompt, String reply) {}
