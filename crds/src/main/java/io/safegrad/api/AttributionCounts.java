package io.safegrad.api;

/**
 * What attribution found, in numbers alone: which examples they are stands in the report, which its
 * user may read.
 *
 * @param examples examples that were measured
 * @param conflicting those of them whose conflict with the alignment stands apart from all others'
 * @param worst those that the report names, the largest conflicts first
 */
public record AttributionCounts(int examples, int conflicting, int worst) {}
