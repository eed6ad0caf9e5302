package io.safegrad.operator.metrics;

import io.safegrad.api.v1alpha1.Phase;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Since when each run is in its phase. It is kept in memory only: a phase whose begin this operator
 * has not seen is not measured rather than guessed.
 */
final class PhaseClock {

  private final Map<String, Instant> begins = new ConcurrentHashMap<>();

  /**
   * A run goes from one phase to another.
   *
   * @param uid the resource's
   * @param after where it is now
   * @return the time that it was in the phase before; empty where its begin was not seen
   */
  Optional<Duration> changed(String uid, Phase after, Instant now) {
    Instant begin = after.isTerminal() ? begins.remove(uid) : begins.put(uid, now);
    return Optional.ofNullable(begin).map(since -> Duration.between(since, now));
  }

  /** Forgets the runs that are gone. */
  void keep(Set<String> uids) {
    begins.keySet().retainAll(uids);
  }

  int size() {
    return begins.size();
  }
}
