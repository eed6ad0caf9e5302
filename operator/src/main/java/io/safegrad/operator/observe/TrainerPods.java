package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import java.util.Collection;
import java.util.Optional;

/** The pods of a run: from the cache while it goes on, from the server once it has ended. */
public final class TrainerPods {

  private TrainerPods() {}

  /**
   * Pods that carry the run's label. Jobs and pods are watched apart, so the cache may show an
   * ended Job before the last words of its pod; a verdict must not rest on that.
   */
  public static Collection<Pod> of(
      SafeFineTune resource, Optional<Job> job, Context<SafeFineTune> context) {
    if (job.flatMap(RunObserver::end).isEmpty()) {
      return context.getSecondaryResources(Pod.class);
    }
    return context
        .getClient()
        .pods()
        .inNamespace(resource.getMetadata().getNamespace())
        .withLabel(Labels.SAFE_FINE_TUNE, resource.getMetadata().getName())
        .list()
        .getItems();
  }
}
