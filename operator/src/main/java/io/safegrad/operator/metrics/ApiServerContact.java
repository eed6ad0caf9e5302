package io.safegrad.operator.metrics;

import io.safegrad.operator.observe.Sentence;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells once that the API server is away, once that it is back, and once that it has ended the
 * watches. Who needs it tries again and says nothing.
 */
final class ApiServerContact {

  /** A request that fails alone is tried again by the client and is no outage. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** Single watches end every few minutes in good order; as many at once were cut. */
  private static final int CUT_WATCHES = 3;

  private static final int NOT_SERVED = 404;
  private static final Duration AT_ONCE = Duration.ofSeconds(5);
  private static final Logger LOG = LoggerFactory.getLogger(ApiServerContact.class);

  private final Set<String> unserved = new HashSet<>();
  private final Set<String> watched = new HashSet<>();
  private final Deque<Long> renewed = new ArrayDeque<>();
  private Long failingSince;
  private boolean away;

  /** It gave no answer. */
  synchronized void failed(Throwable failure) {
    long now = System.nanoTime();
    if (failingSince == null) {
      failingSince = now;
    }
    if (!away && now - failingSince >= PATIENCE.toNanos()) {
      away = true;
      LOG.warn("The API server is away ({}); every run waits for it", cause(failure));
    }
  }

  /** It answered. */
  synchronized void answered() {
    if (away) {
      long seconds = Duration.ofNanos(System.nanoTime() - failingSince).toSeconds();
      LOG.info("The API server is back after {} s", seconds);
      away = false;
      // The watches begin anew for that.
      renewed.clear();
      watched.clear();
    }
    failingSince = null;
  }

  /**
   * A watch was asked for.
   *
   * @param path what is watched
   * @param code the answer
   */
  synchronized void watches(String path, int code) {
    if (code == NOT_SERVED) {
      if (unserved.add(path)) {
        LOG.warn("The API server does not serve {}; what is there waits", path);
      }
      return;
    }
    if (unserved.remove(path)) {
      LOG.info("The API server serves {} again", path);
    }
    if (watched.add(path)) {
      return;
    }
    long now = System.nanoTime();
    renewed.removeIf(time -> now - time > AT_ONCE.toNanos());
    renewed.add(now);
    if (renewed.size() == CUT_WATCHES) {
      LOG.info("The watches were cut; they go on from where they were");
    }
  }

  private static String cause(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    return Sentence.of(String.valueOf(cause.getMessage()));
  }
}
