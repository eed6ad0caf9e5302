package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.JobSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
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
   * @param ended whether the result is in the resource's status. The Job gets its time to live only
   *     then: a Job removed before would take the result with it.
   */
  public static void apply(KubernetesClient client, SafeFineTune resource, Job job, boolean ended) {
    SafeFineTuneSpec spec = resource.getSpec();
    JobSpec actual = job.getSpec();
    boolean suspended = Boolean.TRUE.equals(actual.getSuspend());
    boolean suspend = ended ? suspended : Boolean.TRUE.equals(spec.suspend());
    Long deadline = ended ? actual.getActiveDeadlineSeconds() : spec.activeDeadlineSeconds();
    Integer timeToLive = ended ? spec.ttlSecondsAfterFinished() : null;
    if (suspend == suspended
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
