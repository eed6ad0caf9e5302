package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.JobSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.status.ActiveTime;
import java.util.Objects;

/** Sets the fields of a Job that its user may change: suspend, the deadline, the time to live. */
public final class RunControl {

  /**
   * Another manager than the one that created the Job: an apply without the template would
   * otherwise ask for the template's removal.
   */
  static final String FIELD_MANAGER = "safegrad-operator-control";

  private RunControl() {}

  /**
   * Brings the Job in line with its resource; writes nothing when it is.
   *
   * @param deadline seconds of activity after which the run is stopped; null for no limit
   */
  public static void apply(KubernetesClient client, SafeFineTune resource, Job job, Long deadline) {
    Long left =
        ActiveTime.left(
            deadline,
            resource.getStatus().attempts(),
            job.getStatus() == null ? null : job.getStatus().getStartTime());
    set(client, job, suspend(resource, job), left, null);
    boolean held = Boolean.TRUE.equals(resource.getSpec().suspend());
    // Released only by whom it was held: its queue's administrator may hold it as well.
    if (isQueued(job) && (held || resource.getStatus().phase() == Phase.Suspended)) {
      QueueControl.apply(client, job, !held);
    }
  }

  /**
   * Gives the Job its time to live. Only once the result is in the resource's status: a Job removed
   * before would take the result with it.
   */
  public static void end(KubernetesClient client, SafeFineTune resource, Job job) {
    set(
        client,
        job,
        isQueued(job) ? null : job.getSpec().getSuspend(),
        job.getSpec().getActiveDeadlineSeconds(),
        resource.getSpec().ttlSecondsAfterFinished());
  }

  /** Whether the Job should be held; null where that is its queue's to say. */
  private static Boolean suspend(SafeFineTune resource, Job job) {
    return isQueued(job) ? null : (Boolean) Boolean.TRUE.equals(resource.getSpec().suspend());
  }

  private static boolean isQueued(Job job) {
    return job.getMetadata().getLabels() != null
        && job.getMetadata().getLabels().containsKey(Labels.QUEUE);
  }

  /**
   * @param suspend null to leave the field to whoever set it
   */
  private static void set(
      KubernetesClient client, Job job, Boolean suspend, Long deadline, Integer timeToLive) {
    JobSpec actual = job.getSpec();
    boolean suspended = Boolean.TRUE.equals(actual.getSuspend());
    if ((suspend == null || suspend == suspended)
        && Objects.equals(deadline, actual.getActiveDeadlineSeconds())
        && Objects.equals(timeToLive, actual.getTtlSecondsAfterFinished())) {
      return;
    }
    Job change =
        new JobBuilder()
            .withNewMetadata()
            .withName(job.getMetadata().getName())
            .withNamespace(job.getMetadata().getNamespace())
            .withUid(job.getMetadata().getUid())
            .endMetadata()
            .withNewSpec()
            .withSuspend(suspend)
            .withActiveDeadlineSeconds(deadline)
            .withTtlSecondsAfterFinished(timeToLive)
            .endSpec()
            .build();
    client
        .resource(change)
        .patch(
            new PatchContext.Builder()
                .withPatchType(PatchType.SERVER_SIDE_APPLY)
                .withFieldManager(FIELD_MANAGER)
                .withForce(true)
                .build());
  }
}
