/**
 * The study: does SafeGrad keep models safe, and where does it not? docs/study.md has the answers.
 */
package io.safegrad.trainer.study;
