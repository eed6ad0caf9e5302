package io.safegrad.api;

/**
 * What attribution found, in numbers alone: which examples they are stands in the report, which its
 * user may read.
 *
 * @param examples examples that were measured
 * @param conflicting those of them whose conflict with the alignment stands apart from all others'
 * @param worst those that the report names, the largest conflicts first
 */
public record AttributionCounts(int examples, int conflicting, int worst) {

  /** What they say, for whoever is told of a refusal. */
  public String inWords() {
    return "%d of %d examples conflict with the alignment far more than all others; the report names the %d worst"
        .formatted(conflicting, examples, worst);
  }
}
