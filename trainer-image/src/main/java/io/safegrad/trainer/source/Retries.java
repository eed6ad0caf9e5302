package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Repeats a request that failed, a bounded number of times.
 *
 * @param attempts in all
 * @param firstDelay before the second attempt; each later one is twice the one before
 */
record Retries(int attempts, Duration firstDelay) {

  /** What a run does: about half a minute of patience. */
  static final Retries DEFAULT = new Retries(6, Duration.ofSeconds(1));

  private static final long PROGRESS_BYTES = 16 << 20;
  private static final Logger LOG = LoggerFactory.getLogger(Retries.class);

  /** One request. */
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws TransferException;
  }

  /**
   * Runs it until it succeeds.
   *
   * @param label field and address, for messages
   * @throws TrainerException with SOURCE_UNAVAILABLE when the last attempt failed too
   */
  <T> T call(String label, Attempt<T> attempt) {
    return call(label, attempt, () -> 0);
  }

  /**
   * The same for a long transfer: attempts are counted anew when one brought it on.
   *
   * @param bytes of the transfer that are there
   */
  <T> T call(String label, Attempt<T> attempt, LongSupplier bytes) {
    Duration delay = firstDelay;
    long before = bytes.getAsLong();
    for (int done = 1; ; done++) {
      try {
        return attempt.run();
      } catch (TransferException e) {
        if (bytes.getAsLong() - before >= PROGRESS_BYTES) {
          before = bytes.getAsLong();
          done = 1;
          delay = firstDelay;
        }
        if (done >= attempts) {
          throw new TrainerException(
              ExitReason.SOURCE_UNAVAILABLE,
              "%s: %s, %d times".formatted(label, e.getMessage(), done),
              e);
        }
        LOG.info("{}: {}; trying again", label, e.getMessage());
        pause(label, e.retryAfter() == null ? delay : e.retryAfter());
        delay = delay.multipliedBy(2);
      }
    }
  }

  private static void pause(String label, Duration delay) {
    try {
      Thread.sleep(delay.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE, label + ": interrupted while waiting to try again", e);
    }
  }
}
