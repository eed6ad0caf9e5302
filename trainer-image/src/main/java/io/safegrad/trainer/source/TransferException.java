package io.safegrad.trainer.source;

import java.time.Duration;

/** A request failed in a way that a repetition may cure. */
final class TransferException extends Exception {

  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;

  TransferException(String message, Throwable cause) {
    super(message, cause);
    this.retryAfter = null;
  }

  /**
   * @param retryAfter how long the server asks to wait; null when it does not
   */
  TransferException(String message, Duration retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  Duration retryAfter() {
    return retryAfter;
  }
}
