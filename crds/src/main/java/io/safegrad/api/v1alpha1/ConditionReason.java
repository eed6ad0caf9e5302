package io.safegrad.api.v1alpha1;

/**
 * The reasons that conditions and attempts have beside those of {@link io.safegrad.api.ExitReason},
 * the phases, and Kubernetes' own. They are part of the API: docs/troubleshooting.md says of each
 * what to do.
 */
public enum ConditionReason {
  /** The plan is complete and the API server takes its Job. */
  Accepted,

  // Why a resource is not accepted.
  /** A SafetyPolicy does not admit the run: before its start, or at the verdict. */
  PolicyViolation,
  /** The spec asks for something that this operator cannot run. */
  InvalidSpec,
  /** The API server takes no pod like the one that the spec describes. */
  InvalidPod,
  /** An object of the name that the run needs is there and belongs to somebody else. */
  NameTaken,
  /** The API server forbids an object of the run. */
  Forbidden,
  /** The API server could not do what the operator asked for. */
  ApiServerError,
  /** A fault of the operator. */
  OperatorError,

  // Why a run does not go on.
  /** A PersistentVolumeClaim that the run names does not exist. */
  ClaimNotFound,
  /** A StorageClass does not exist. */
  StorageClassNotFound,
  /** A Secret that the run names does not exist. */
  SecretNotFound,
  /** A Secret has no such key. */
  SecretKeyNotFound,
  /** A ConfigMap does not exist. */
  ConfigMapNotFound,
  /** A PriorityClass does not exist. */
  PriorityClassNotFound,
  /** A RuntimeClass does not exist. */
  RuntimeClassNotFound,
  /** There is no such LocalQueue. */
  QueueNotFound,
  /** A ResourceQuota has no room for the pod. */
  QuotaExceeded,
  /** The run waits for its turn. */
  WaitingForQueue,
  /** The run had its turn and lost it to another. */
  EvictedByQueue,
  /** An attempt ended, and the Job starts another from the beginning. */
  Retrying,
  /** An attempt ended, and the next one goes on from its checkpoint. */
  Resuming,

  // What is known of the gate.
  /** The measurements satisfy every rule. */
  GateHeld,
  /** There is no measurement of the fine-tuned model. */
  NotMeasured,

  // How a run or an attempt ended, beyond what an ExitReason says.
  /** It was active for longer than activeDeadlineSeconds. */
  DeadlineExceeded,
  /** The trainer ran another plan than the one that was fixed. */
  PlanMismatch,
  /** The trainer ended well and left no result that can be believed. */
  ResultUnreadable,
  /** The pod is gone and its result with it. */
  ResultLost,
  /** The exit code is none of the trainer's. */
  UnexpectedExit,
  /** Nobody saw how the attempt ended. */
  PodRemoved
}
