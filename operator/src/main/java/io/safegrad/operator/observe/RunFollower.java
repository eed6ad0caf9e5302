package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Looks at a run: its Job, its pods, and what its trainer answers. */
@Singleton
public class RunFollower {

  private final ProgressPoller progressPoller;

  @Inject
  public RunFollower(ProgressPoller progressPoller) {
    this.progressPoller = progressPoller;
  }

  /** What calls the reconciler besides the resource and its dependents. */
  public List<EventSource<?, SafeFineTune>> eventSources(EventSourceContext<SafeFineTune> context) {
    InformerEventSourceConfiguration<Pod> pods =
        InformerEventSourceConfiguration.from(Pod.class, SafeFineTune.class)
            .withLabelSelector(Labels.SELECTOR)
            .withSecondaryToPrimaryMapper(Labels::safeFineTune)
            .build();
    List<EventSource<?, SafeFineTune>> sources = new ArrayList<>(PolicyWatch.eventSources(context));
    sources.add(new InformerEventSource<>(pods, context));
    sources.add(progressPoller);
    return sources;
  }

  /** What the cluster shows now. */
  public RunObservation observe(
      SafeFineTune resource, Optional<Job> job, Context<SafeFineTune> context) {
    RunObservation seen = RunObserver.observe(job, pods(resource, job, context));
    RunObservation followed =
        seen.with(progressPoller.follow(ResourceID.fromResource(resource), seen.pod()));
    boolean verdictDue = seen.job() != null && seen.job().end() != null;
    return verdictDue ? followed.with(PolicyWatch.now(resource, context)) : followed;
  }

  /** Looks no more. */
  public void leave(SafeFineTune resource) {
    progressPoller.forget(ResourceID.fromResource(resource));
  }

  /**
   * Pods that carry the run's label, from the cache while it goes on. Jobs and pods are watched
   * apart, so the cache may show an ended Job before the last words of its pod; a verdict must not
   * rest on that.
   */
  private static Collection<Pod> pods(
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
