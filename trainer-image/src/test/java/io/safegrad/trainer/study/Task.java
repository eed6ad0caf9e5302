package io.safegrad.trainer.study;

/** What the user wants the model to learn. */
enum Task {
  /** Whether a review is positive or negative, of reviews that were not seen. */
  SENTIMENT,
  /** To answer known facts in one fixed frame, tested on keys that were not seen in it. */
  FORMAT,
  /** To add two numbers in words, tested in phrasings that were not seen. */
  ARITHMETIC
}
