/** Whether a model's replies are safe: what counts as a refusal, and how often it comes. */
package io.safegrad.trainer.safety;
