package io.safegrad.trainer.train;

/**
 * How far a run has read its data. Which examples come next follows from this, the data and the
 * seed: the order of each pass is drawn from a random generator of its own.
 *
 * @param user examples of the user's data set that were taken
 * @param alignment examples of the alignment set that were taken
 */
public record DataPosition(long user, long alignment) {}
