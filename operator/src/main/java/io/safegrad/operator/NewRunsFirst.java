package io.safegrad.operator;

import io.javaoperatorsdk.operator.processing.event.rate.RateLimiter;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.status.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Lets runs that nobody has looked at yet go before all others: their users wait for a Job, the
 * others' for news. Whatever happens to a run that waits meanwhile is looked at once.
 */
final class NewRunsFirst implements RateLimiter<NewRunsFirst.Turn> {

  /** How long another run waits before it asks again. */
  private static final Duration MOMENT = Duration.ofMillis(500);

  /** After that it waits no longer, however many new ones come. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** One that is older, or whose clock differs, is held up by something else than others. */
  private static final Duration NEW = Duration.ofMinutes(1);

  /** How long what was found in the cache is taken for true: thousands of runs are in it. */
  private static final Duration FRESH = Duration.ofMillis(100);

  private final LongSupplier nanoTime;
  private final InstantSource clock;
  private Cache<SafeFineTune> runs;
  private boolean newOnes;
  private long lookedAt;

  /** One run's. */
  static final class Turn implements RateLimitState {
    private boolean known;
    private Long waitsSince;
  }

  NewRunsFirst() {
    this(System::nanoTime, InstantSource.system());
  }

  NewRunsFirst(LongSupplier nanoTime, InstantSource clock) {
    this.nanoTime = nanoTime;
    this.clock = clock;
  }

  /** Where the new ones are found. */
  synchronized void among(Cache<SafeFineTune> runs) {
    this.runs = runs;
    this.lookedAt = nanoTime.getAsLong() - FRESH.toNanos();
  }

  @Override
  public synchronized Optional<Duration> isLimited(RateLimitState state) {
    Turn turn = (Turn) state;
    long now = nanoTime.getAsLong();
    boolean first = !turn.known;
    turn.known = true;
    if (first || !newOnesWait(now) || hasWaited(turn, now)) {
      turn.waitsSince = null;
      return Optional.empty();
    }
    return Optional.of(MOMENT);
  }

  @Override
  public Turn initState() {
    return new Turn();
  }

  private static boolean hasWaited(Turn turn, long now) {
    if (turn.waitsSince == null) {
      turn.waitsSince = now;
    }
    return now - turn.waitsSince >= PATIENCE.toNanos();
  }

  private boolean newOnesWait(long now) {
    if (runs != null && now - lookedAt >= FRESH.toNanos()) {
      Instant today = clock.instant();
      newOnes = runs.list(run -> isNew(run, today)).findAny().isPresent();
      lookedAt = now;
    }
    return newOnes;
  }

  private static boolean isNew(SafeFineTune run, Instant now) {
    return RunStatus.last(run).phase() == null
        && Duration.between(Instant.parse(run.getMetadata().getCreationTimestamp()), now)
                .abs()
                .compareTo(NEW)
            < 0;
  }
}
