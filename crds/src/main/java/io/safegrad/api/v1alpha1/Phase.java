package io.safegrad.api.v1alpha1;

/** Where a SafeFineTune stands, for people; conditions are for programs. */
public enum Phase {
  Pending,
  Queued,
  Preparing,
  Training,
  Evaluating,
  Publishing,
  Succeeded,
  Rejected,
  Failed,
  Suspended;

  /** Whether nothing more happens to the run. */
  public boolean isTerminal() {
    return this == Succeeded || this == Rejected || this == Failed;
  }
}
