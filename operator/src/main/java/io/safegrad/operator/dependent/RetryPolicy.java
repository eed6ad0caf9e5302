package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicy;
import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicyBuilder;
import io.safegrad.api.ExitReason;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Which failures of a pod are worth another attempt. */
final class RetryPolicy {

  /**
   * 128 + SIGKILL. With disruptions ruled out before, this is the kernel's answer to a container
   * above its memory limit; a trainer that is asked to stop ends with {@link ExitReason#PREEMPTED}.
   */
  private static final int KILLED = 137;

  private RetryPolicy() {}

  /**
   * Evictions and preemptions are replaced for free; exit codes that the same plan would meet again
   * end the Job; everything else counts against the Job's backoff limit.
   */
  static PodFailurePolicy podFailurePolicy() {
    return new PodFailurePolicyBuilder()
        .addNewRule()
        .withAction("Ignore")
        .addNewOnPodCondition()
        .withType("DisruptionTarget")
        .withStatus("True")
        .endOnPodCondition()
        .endRule()
        .addNewRule()
        .withAction("FailJob")
        .withNewOnExitCodes()
        .withContainerName(TrainerPod.CONTAINER)
        .withOperator("In")
        .withValues(finalExitCodes())
        .endOnExitCodes()
        .endRule()
        .build();
  }

  private static List<Integer> finalExitCodes() {
    return Stream.concat(
            Arrays.stream(ExitReason.values())
                .filter(reason -> reason != ExitReason.SUCCESS && !reason.retryable())
                .map(ExitReason::code),
            Stream.of(KILLED))
        .sorted()
        .toList();
  }
}
