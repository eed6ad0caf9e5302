package io.safegrad.operator.status;

import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * How long a run has been active. Kubernetes forgets it when a Job is resumed: whoever suspends
 * often enough would never meet a deadline.
 */
public final class ActiveTime {

  private ActiveTime() {}

  /**
   * What is left of a deadline for the Job's current round.
   *
   * @param deadline seconds of activity that the run may take in all; null for any
   * @param attempts the attempts so far; null for none
   * @param jobStart when the Job was started or resumed last; null while it is suspended
   * @return seconds, at least 1, as the API server demands; null for any
   */
  public static Long left(Long deadline, List<Attempt> attempts, String jobStart) {
    if (deadline == null || attempts == null) {
      return deadline;
    }
    Instant round = jobStart == null ? Instant.MAX : Instant.parse(jobStart);
    long spent =
        attempts.stream()
            .filter(attempt -> attempt.ended() != null)
            .filter(attempt -> Instant.parse(attempt.started()).isBefore(round))
            .mapToLong(
                attempt ->
                    Duration.between(
                            Instant.parse(attempt.started()), Instant.parse(attempt.ended()))
                        .toSeconds())
            .sum();
    return Math.max(1, deadline - spent);
  }
}
