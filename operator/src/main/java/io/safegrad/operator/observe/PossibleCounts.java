package io.safegrad.operator.observe;

import io.safegrad.api.AttributionCounts;

/** Counts that a trainer tells, which may be anything at all. */
final class PossibleCounts {

  private PossibleCounts() {}

  /** The counts where they can be, else null. */
  static AttributionCounts of(AttributionCounts told) {
    return told != null
            && told.examples() > 0
            && isPart(told.conflicting(), told)
            && isPart(told.worst(), told)
        ? told
        : null;
  }

  private static boolean isPart(int count, AttributionCounts told) {
    return count >= 0 && count <= told.examples();
  }
}
