package io.safegrad.operator.status;

/**
 * Something that happened to a run and that its user wants to read in {@code kubectl describe}.
 *
 * @param note one sentence
 * @param occasion tells two occurrences of the same reason apart; empty where there is only one
 */
public record RunEvent(Reason reason, String note, String occasion) {

  /** What can happen. */
  public enum Reason {
    Started(false),
    Queued(false),
    Admitted(false),
    Preparing(false),
    Training(false),
    Evaluating(false),
    Publishing(false),
    Succeeded(false),
    Suspended(false),
    Resumed(false),
    Evicted(true),
    AttemptFailed(true),
    Waiting(true),
    Blocked(true),
    GateRefused(true),
    Failed(true);

    private final boolean warning;

    Reason(boolean warning) {
      this.warning = warning;
    }

    /** Kubernetes' type of the event. */
    String type() {
      return warning ? "Warning" : "Normal";
    }
  }
}
