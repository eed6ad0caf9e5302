package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicy;
import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicyBuilder;
import io.safegrad.api.ExitReason;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What follows the end of a trainer's pod: the one table, from which the Job's pod failure policy
 * is made and the page of docs/lifecycle.md is written.
 */
public enum RetryTable {
  SUCCESS(ExitReason.SUCCESS, Action.DONE),
  BAD_PLAN(ExitReason.BAD_PLAN, Action.FAIL),
  BAD_DATA(ExitReason.BAD_DATA, Action.FAIL),
  GATE_REFUSED(ExitReason.GATE_REFUSED, Action.FAIL),
  START_MODEL_NOT_ALIGNED(ExitReason.START_MODEL_NOT_ALIGNED, Action.FAIL),
  SOURCE_UNAVAILABLE(ExitReason.SOURCE_UNAVAILABLE, Action.RETRY),
  INTERNAL(ExitReason.INTERNAL, Action.RESUME),
  OUT_OF_MEMORY(ExitReason.OUT_OF_MEMORY, Action.FAIL),
  PREEMPTED(ExitReason.PREEMPTED, Action.RESUME),
  /**
   * SIGKILL: the kernel's answer to a container above its memory limit, or the node's to one that
   * does not end in its grace period or fills its disk. The same plan would meet it again.
   */
  KILLED(OptionalInt.of(128 + 9), Action.FAIL),
  OTHER(OptionalInt.empty(), Action.RESUME);

  /** The pod condition that says the cluster took the pod away. */
  public static final String DISRUPTION = "DisruptionTarget";

  /** What the Job does. */
  public enum Action {
    /** Nothing: the run is through. */
    DONE,
    /** Starts another pod, after a pause that doubles. */
    RETRY,
    /** The same; the next pod goes on from the last checkpoint. */
    RESUME,
    /** Ends the run: another attempt would end the same way. */
    FAIL
  }

  private final OptionalInt code;
  private final Action action;

  RetryTable(ExitReason reason, Action action) {
    this(OptionalInt.of(reason.code()), action);
  }

  RetryTable(OptionalInt code, Action action) {
    this.code = code;
    this.action = action;
  }

  /** The row of an exit code. */
  public static RetryTable ofCode(int exitCode) {
    return Arrays.stream(values())
        .filter(row -> row.code.isPresent() && row.code.getAsInt() == exitCode)
        .findFirst()
        .orElse(OTHER);
  }

  /** The exit code of the row; empty for the one that every other code has. */
  public OptionalInt code() {
    return code;
  }

  /** What the row is called in conditions; empty where it is no reason of the trainer. */
  public Optional<String> reason() {
    return code.isPresent()
        ? ExitReason.ofCode(code.getAsInt()).map(ExitReason::conditionReason)
        : Optional.empty();
  }

  /**
   * What follows.
   *
   * @param disrupted whether the pod has the condition {@value #DISRUPTION}
   */
  public Action action(boolean disrupted) {
    return disrupted && action != Action.DONE ? Action.RESUME : action;
  }

  /**
   * Whether the end counts against the Job's backoff limit.
   *
   * @param disrupted whether the pod has the condition {@value #DISRUPTION}
   */
  public boolean counts(boolean disrupted) {
    return !disrupted && (action == Action.RETRY || action == Action.RESUME);
  }

  /** The table as a Job reads it. The first rule that matches wins; what none matches, counts. */
  static PodFailurePolicy podFailurePolicy() {
    return new PodFailurePolicyBuilder()
        .addNewRule()
        .withAction("Ignore")
        .addNewOnPodCondition()
        .withType(DISRUPTION)
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
    return Arrays.stream(values())
        .filter(row -> row.action == Action.FAIL)
        .map(row -> row.code.orElseThrow())
        .sorted()
        .toList();
  }
}
