package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.safegrad.api.Approval;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import io.safegrad.operator.observe.RunObservation.PodStage;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Looks at a run: its Job, its pods, and what its trainer answers. */
@Singleton
public class RunFollower {

  /** Time between two looks at what announces nothing: a queue, the refusal of a pod. */
  public static final Duration ASKING = Duration.ofSeconds(3);

  private final ProgressPoller progressPoller;
  private DepartedPods pods;

  @Inject
  public RunFollower(ProgressPoller progressPoller) {
    this.progressPoller = progressPoller;
  }

  /** What calls the reconciler besides the resource and its dependents. */
  public List<EventSource<?, SafeFineTune>> eventSources(EventSourceContext<SafeFineTune> context) {
    pods = new DepartedPods(context);
    List<EventSource<?, SafeFineTune>> sources = new ArrayList<>(PolicyWatch.eventSources(context));
    sources.add(pods);
    sources.add(progressPoller);
    return sources;
  }

  /** What the cluster shows now. */
  public RunObservation observe(
      SafeFineTune resource, Optional<Job> job, Context<SafeFineTune> context) {
    ResourceID run = ResourceID.fromResource(resource);
    RunObservation seen = RunObserver.observe(job, pods(resource, job, context), pods.of(run));
    RunObservation followed = seen.with(progressPoller.follow(run, seen.pod()));
    if (job.isEmpty()) {
      return followed;
    }
    return seen.job().end() != null
        ? followed.with(PolicyWatch.now(resource, context))
        : Obstacles.of(context.getClient(), job.get(), seen).map(followed::with).orElse(followed);
  }

  /** Whether the run waits for something that nothing announces. */
  public static boolean asksAgain(RunObservation seen) {
    return seen.job() != null
        && (seen.job().suspended()
            ? seen.job().queue() != null
            : seen.pod() == null || seen.pod().stage() == PodStage.ENDED);
  }

  /** Tells the running trainer whether it may publish. */
  public void answer(SafeFineTune resource, Approval approval) {
    progressPoller.answer(ResourceID.fromResource(resource), approval);
  }

  /** Looks no more. */
  public void leave(SafeFineTune resource) {
    progressPoller.forget(ResourceID.fromResource(resource));
    pods.forget(ResourceID.fromResource(resource));
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
