package io.safegrad.operator.observe;

import io.safegrad.api.TrainingProgress;
import io.safegrad.operator.observe.RunObservation.PodState;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Future;

/** One trainer that is asked for its progress, and the newest of its answers worth telling. */
final class FollowedTrainer {

  /** Questions in a row that a starting trainer may leave open: half a minute by default. */
  static final int TELLING_SILENCE = 15;

  private final String podUid;
  private final URI address;
  private final long statusIntervalNanos;
  private TrainingProgress told;
  private long toldAtNanos;
  private Future<?> open;
  private int unanswered;
  private boolean silenceTold;

  FollowedTrainer(String podUid, URI address, Duration statusInterval) {
    this.podUid = podUid;
    this.address = address;
    this.statusIntervalNanos = statusInterval.toNanos();
  }

  boolean isOf(PodState pod) {
    return podUid.equals(pod.uid());
  }

  URI address() {
    return address;
  }

  /** The newest answer that was worth a status write; null before the first. */
  synchronized TrainingProgress told() {
    return told;
  }

  /** Replaces the open question by a new one. */
  synchronized void asking(Future<?> question) {
    abandon();
    open = question;
  }

  /** Gives the open question up. */
  synchronized void abandon() {
    if (open != null) {
      open.cancel(true);
    }
  }

  /**
   * Counts a question without an answer that is one. Returns whether that is worth telling: once,
   * when there have been many in a row. A process that only just starts does not answer either.
   */
  synchronized boolean unheard() {
    unanswered++;
    boolean worth = !silenceTold && unanswered >= TELLING_SILENCE;
    silenceTold |= worth;
    return worth;
  }

  /**
   * Keeps an answer that is worth a status write: the run entered another stage, or knows what
   * memory it needs, which it may soon be killed for; or it waits for an answer; or its figures
   * moved and the last write is old enough. Returns whether it is.
   */
  synchronized boolean heard(TrainingProgress progress, long nowNanos) {
    unanswered = 0;
    boolean worth =
        told == null
            || told.stage() != progress.stage()
            || progress.approval() != null
            || (told.memoryEstimateBytes() == null && progress.memoryEstimateBytes() != null)
            || (!told.equals(progress) && nowNanos - toldAtNanos >= statusIntervalNanos);
    if (worth) {
      told = progress;
      toldAtNanos = nowNanos;
    }
    return worth;
  }
}
