package io.safegrad.operator.observe;

import io.safegrad.api.TrainingProgress;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.util.List;

/**
 * What the cluster shows of a run at one moment.
 *
 * @param job the Job; null when there is none
 * @param pod the newest pod of the Job; null when there is none
 * @param lastExit how the newest trainer process that ended did; null when none has
 * @param progress the running trainer's newest answer; null when there is none
 * @param policies the policies that a verdict must satisfy; empty while none is due
 */
public record RunObservation(
    JobState job,
    PodState pod,
    Exit lastExit,
    TrainingProgress progress,
    List<SafetyPolicy> policies) {

  /** Nothing is there yet. */
  public static final RunObservation NOTHING = new RunObservation(null, null, null, null);

  /** What is seen while no verdict is due. */
  public RunObservation(JobState job, PodState pod, Exit lastExit, TrainingProgress progress) {
    this(job, pod, lastExit, progress, List.of());
  }

  /** The same with a trainer's answer. */
  public RunObservation with(TrainingProgress newest) {
    return new RunObservation(job, pod, lastExit, newest, policies);
  }

  /** The same with the policies of the moment. */
  public RunObservation with(List<SafetyPolicy> current) {
    return new RunObservation(job, pod, lastExit, progress, current);
  }

  /**
   * The Job.
   *
   * @param suspended whether it is held, by its user or a queue
   * @param failedAttempts pods that ended in failure
   * @param end how it ended; null while it has not
   */
  public record JobState(boolean suspended, int failedAttempts, End end) {}

  /**
   * The end of a Job.
   *
   * @param complete whether Kubernetes calls it a success
   * @param reason Kubernetes' word, for example {@code DeadlineExceeded}
   * @param time when, as Kubernetes wrote it
   */
  public record End(boolean complete, String reason, String message, String time) {}

  /**
   * The newest pod.
   *
   * @param uid its identity
   * @param address its IP address; null when it has none yet
   * @param waiting what it waits for; null when it does not, or for nothing but its turn
   */
  public record PodState(String uid, String address, PodStage stage, Waiting waiting) {}

  /** How far a pod is. */
  public enum PodStage {
    WAITING,
    RUNNING,
    ENDED
  }

  /**
   * Why a pod does not start, in Kubernetes' words: {@code ErrImagePull}, {@code Unschedulable}.
   */
  public record Waiting(String reason, String message) {}

  /**
   * A trainer process that ended.
   *
   * @param code its exit code
   * @param outOfMemory whether the kernel killed it at its memory limit
   * @param terminationMessage what it wrote to its termination log; never null
   */
  public record Exit(int code, boolean outOfMemory, String terminationMessage) {}
}
