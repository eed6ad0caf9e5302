package io.safegrad.operator.observe;

import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.util.List;

/**
 * What the cluster shows of a run at one moment.
 *
 * @param job the Job; null when there is none
 * @param pods the Job's pods, the newest first, those of which only a memory is left included
 * @param progress the running trainer's newest answer; null when there is none
 * @param waiting what keeps the Job from having a pod: a queue, a quota; null when nothing does
 * @param policies the policies that a verdict must satisfy; empty while none is due
 */
public record RunObservation(
    JobState job,
    List<PodState> pods,
    TrainingProgress progress,
    Cause waiting,
    List<SafetyPolicy> policies) {

  /** Nothing is there yet. */
  public static final RunObservation NOTHING = new RunObservation(null, List.of());

  public RunObservation {
    pods = List.copyOf(pods);
  }

  /** What is seen of a Job and its pods alone. */
  public RunObservation(JobState job, List<PodState> pods) {
    this(job, pods, null, null, List.of());
  }

  /** The same with a trainer's answer. */
  public RunObservation with(TrainingProgress newest) {
    return new RunObservation(job, pods, newest, waiting, policies);
  }

  /** The same with what the Job waits for. */
  public RunObservation with(Cause reason) {
    return new RunObservation(job, pods, progress, reason, policies);
  }

  /** The same with the policies of the moment. */
  public RunObservation with(List<SafetyPolicy> current) {
    return new RunObservation(job, pods, progress, waiting, current);
  }

  /** The running trainer's question whether it may publish; null while it asks none. */
  public ApprovalRequest approvalAsked() {
    return progress == null ? null : progress.approval();
  }

  /** The newest pod that is there; null when there is none. */
  public PodState pod() {
    return pods.stream().filter(pod -> !pod.removed()).findFirst().orElse(null);
  }

  /** The newest pod whose trainer ended and was seen to; null when there is none. */
  public PodState lastEnded() {
    return pods.stream().filter(pod -> pod.exit() != null).findFirst().orElse(null);
  }

  /**
   * The Job.
   *
   * @param suspended whether it is held, by its user or a queue
   * @param queue Kueue's LocalQueue that it was given to; null when to none
   * @param failedAttempts pods that ended in failure
   * @param failing why it is about to fail, in Kubernetes' word, while its pods are still ended;
   *     null when it is not
   * @param end how it ended; null while it has not
   */
  public record JobState(
      boolean suspended, String queue, int failedAttempts, String failing, End end) {}

  /**
   * The end of a Job.
   *
   * @param complete whether Kubernetes calls it a success
   * @param reason Kubernetes' word, for example {@code DeadlineExceeded}
   * @param time when, as Kubernetes wrote it
   */
  public record End(boolean complete, String reason, String message, String time) {}

  /**
   * A pod.
   *
   * @param name its name
   * @param uid its identity
   * @param address its IP address; null when it has none yet
   * @param stage how far it is
   * @param waiting what it waits for; null when it does not, or for nothing but its turn
   * @param started when the trainer's process started; null when it has not
   * @param ended when it ended, as the node wrote it; null when it has not
   * @param exit how it ended; null when it has not, or nobody saw
   * @param disruption why the cluster ended the pod; null when it did not
   * @param removed whether only a memory of it is left
   */
  public record PodState(
      String name,
      String uid,
      String address,
      PodStage stage,
      Cause waiting,
      String started,
      String ended,
      Exit exit,
      Cause disruption,
      boolean removed) {}

  /** How far a pod is. */
  public enum PodStage {
    WAITING,
    RUNNING,
    ENDED
  }

  /**
   * Why something does not go on, in Kubernetes' words: {@code ErrImagePull}, {@code
   * Unschedulable}, {@code EvictionByEvictionAPI}.
   */
  public record Cause(String reason, String message) {}

  /**
   * A trainer process that ended.
   *
   * @param code its exit code
   * @param outOfMemory whether the kernel killed it at its memory limit
   * @param terminationMessage what it wrote to its termination log; never null
   */
  public record Exit(int code, boolean outOfMemory, String terminationMessage) {}
}
