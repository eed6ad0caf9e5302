package io.safegrad.trainer.study;

/**
 * What the user wants the model to learn. The toy knows no digits, so arithmetic is not among them.
 */
enum Task {
  /** Whether a review is positive or negative, of reviews that were not seen. */
  SENTIMENT,
  /** To answer known facts in one fixed frame, tested on keys that were not seen in it. */
  FORMAT
}
