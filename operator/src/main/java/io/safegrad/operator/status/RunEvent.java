package io.safegrad.operator.status;

/**
 * Something that happened to a run and that its user wants to read in {@code kubectl describe}.
 *
 * @param note one sentence
 * @param occasion tells two occurrences of the same reason apart; empty where there is only one
 * @param attempts how many pods had run the trainer by then
 */
public record RunEvent(Reason reason, String note, String occasion, int attempts) {

  RunEvent(Reason reason, String note, String occasion) {
    this(reason, note, occasion, 0);
  }

  RunEvent after(int count) {
    return new RunEvent(reason, note, occasion, count);
  }

  /** What can happen, in the order in which it does. */
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
