package io.safegrad.operator.status;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusAttemptBuilder;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import io.safegrad.operator.observe.TerminationMessage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The pods that ran a trainer, each with its end. What was once written is not forgotten. */
final class Attempts {

  /** As many as the schema has room for. */
  private static final int MOST = 32;

  /** Why an attempt ended whose end nobody saw. */
  private static final String UNSEEN = ConditionReason.PodRemoved.name();

  private Attempts() {}

  /**
   * The attempts after an observation, oldest first; null when there is none.
   *
   * @param before the attempts that were written last; null for none
   * @param stop why a pod that was asked to stop was: suspended, beyond its deadline; null when for
   *     no such reason
   */
  static List<Attempt> after(List<Attempt> before, RunObservation observation, String stop) {
    Map<String, Attempt> attempts = new LinkedHashMap<>();
    int last = 0;
    for (Attempt attempt : before == null ? List.<Attempt>of() : before) {
      attempts.put(attempt.pod(), unseen(attempt, observation, stop));
      last = attempt.number();
    }
    List<PodState> pods = new ArrayList<>(observation.pods());
    Collections.reverse(pods);
    for (PodState pod : pods) {
      Attempt known = attempts.get(pod.name());
      if (known == null) {
        if (pod.started() == null) {
          continue; // It never ran.
        }
        known =
            SafeFineTuneStatusAttemptBuilder.builder()
                .number(++last)
                .pod(pod.name())
                .started(pod.started())
                .build();
      }
      attempts.put(pod.name(), seen(known, pod, observation, stop));
    }
    List<Attempt> newest = List.copyOf(attempts.values());
    return newest.isEmpty()
        ? null
        : newest.subList(Math.max(0, newest.size() - MOST), newest.size());
  }

  /** An operator that was away may have missed a pod's end. */
  private static Attempt unseen(Attempt attempt, RunObservation observation, String stop) {
    boolean there = observation.pods().stream().anyMatch(pod -> pod.name().equals(attempt.pod()));
    return there || attempt.reason() != null ? attempt : removed(attempt, null, stop);
  }

  private static Attempt seen(
      Attempt attempt, PodState pod, RunObservation observation, String stop) {
    if (pod.stage() != PodStage.ENDED) {
      return pod.equals(observation.pod()) ? heard(attempt, observation.progress()) : attempt;
    }
    if (attempt.reason() != null) {
      return attempt;
    }
    return pod.exit() == null
        ? removed(attempt, pod.disruption(), stop)
        : ended(attempt, pod, stop);
  }

  private static Attempt removed(Attempt attempt, Cause disruption, String stop) {
    SafeFineTuneStatusAttemptBuilder removed = SafeFineTuneStatusAttemptBuilder.builder(attempt);
    if (disruption != null) {
      return removed.reason(disruption.reason()).message(disruption.message()).build();
    }
    return removed
        .reason(stop == null ? UNSEEN : stop)
        .message("The pod was removed, and nobody saw how its trainer ended")
        .build();
  }

  private static Attempt ended(Attempt attempt, PodState pod, String stop) {
    int code = pod.exit().code();
    Optional<TrainingResult> result =
        TerminationMessage.parse(pod.exit().terminationMessage())
            .filter(one -> one.reason().code() == code);
    String sentence = result.map(TrainingResult::message).orElse(null);
    boolean stopped = code == ExitReason.PREEMPTED.code() || code > 128;
    SafeFineTuneStatusAttemptBuilder ended =
        SafeFineTuneStatusAttemptBuilder.builder(attempt)
            .ended(pod.ended())
            .exitCode(code)
            .reason(reason(code))
            .message(sentence);
    if (pod.exit().outOfMemory()) {
      ended.reason(ExitReason.OUT_OF_MEMORY.conditionReason());
    } else if (pod.disruption() != null && code != ExitReason.SUCCESS.code()) {
      ended.reason(pod.disruption().reason());
      ended.message(sentence == null ? pod.disruption().message() : sentence);
    } else if (stopped && stop != null) {
      ended.reason(stop);
    }
    result.filter(one -> one.steps() > 0).ifPresent(one -> ended.lastStep(one.steps()));
    return ended.build();
  }

  private static String reason(int code) {
    return ExitReason.ofCode(code).map(ExitReason::conditionReason).orElse(Outcome.UNEXPECTED_EXIT);
  }

  private static Attempt heard(Attempt attempt, TrainingProgress progress) {
    return progress == null
        ? attempt
        : SafeFineTuneStatusAttemptBuilder.builder(attempt)
            .lastStep(progress.step() == 0 ? attempt.lastStep() : (Integer) progress.step())
            .resumedAtStep(
                progress.resumedAtStep() == null
                    ? attempt.resumedAtStep()
                    : progress.resumedAtStep())
            .build();
  }
}
