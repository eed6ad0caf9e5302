package io.safegrad.trainer;

import io.safegrad.api.ExitReason;
import io.safegrad.api.OneLine;

/**
 * Ends a run with an exit code of its own. The message is one sentence for the user: it names the
 * file, line or field and what was expected, and never holds text of an example. It is made one
 * line, whatever the names in it hold.
 */
public final class TrainerException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final ExitReason reason;

  public TrainerException(ExitReason reason, String message) {
    super(OneLine.of(message));
    this.reason = reason;
  }

  public TrainerException(ExitReason reason, String message, Throwable cause) {
    super(OneLine.of(message), cause);
    this.reason = reason;
  }

  /** Why the run ends. */
  public ExitReason reason() {
    return reason;
  }
}
