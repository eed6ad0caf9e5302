package io.safegrad.api;

import java.util.Arrays;
import java.util.Optional;

/**
 * Why a trainer process ended. The numbers are part of the API: the Job's pod failure policy, the
 * operator's condition reasons and users' scripts are built on them. 64 to 75 follow {@code
 * sysexits.h}.
 */
public enum ExitReason {
  /** The run ended and the gate held; the adapter is published. */
  SUCCESS(0, false),
  /** The plan or the manifest is wrong: unknown field, value out of range, unsupported model. */
  BAD_PLAN(64, false),
  /** Model or data are unusable: broken line, empty data set, truncated file, NaN loss. */
  BAD_DATA(65, false),
  /** The run ended and the safety gate refused its adapter. */
  GATE_REFUSED(66, false),
  /**
   * The start model refuses too little to have an alignment that could be kept; no step was done.
   */
  START_MODEL_NOT_ALIGNED(67, false),
  /** A model, a data set or the destination could not be reached. */
  SOURCE_UNAVAILABLE(69, true),
  /** A fault of the trainer or of its node, a full disk among them. */
  INTERNAL(70, true),
  /** The process ran out of memory. */
  OUT_OF_MEMORY(71, false),
  /** The process was asked to stop, and what it had done is kept for the next attempt. */
  PREEMPTED(75, true);

  private final int code;
  private final boolean retryable;

  ExitReason(int code, boolean retryable) {
    this.code = code;
    this.retryable = retryable;
  }

  /** The process exit code. */
  public int code() {
    return code;
  }

  /** Whether the same plan may succeed when it is run again. */
  public boolean retryable() {
    return retryable;
  }

  /** The reason that an exit code stands for; empty for a code the trainer never uses. */
  public static Optional<ExitReason> ofCode(int code) {
    return Arrays.stream(values()).filter(reason -> reason.code == code).findFirst();
  }

  /** The name in Kubernetes' form for reasons, for example {@code GateRefused}. */
  public String conditionReason() {
    StringBuilder text = new StringBuilder();
    for (String word : name().split("_")) {
      text.append(word.charAt(0)).append(word.substring(1).toLowerCase());
    }
    return text.toString();
  }
}
