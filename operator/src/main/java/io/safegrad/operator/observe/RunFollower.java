package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.safegrad.api.Approval;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/** Looks at a run: its Job, its pods, and what its trainer answers. */
@Singleton
public class RunFollower {

  /** Least and most time between two looks at what announces nothing: a queue. */
  private static final Duration SOON = Duration.ofSeconds(3);

  private static final Duration LATE = Duration.ofSeconds(30);

  /** The share of the time that a run has waited after which it is looked at again. */
  private static final int SHARE = 10;

  private final ProgressPoller progressPoller;
  private final PolicyWatch policies;
  private DepartedPods pods;

  @Inject
  public RunFollower(ProgressPoller progressPoller, PolicyWatch policies) {
    this.progressPoller = progressPoller;
    this.policies = policies;
  }

  /** What calls the reconciler besides the resource and its dependents. */
  public List<EventSource<?, SafeFineTune>> eventSources(EventSourceContext<SafeFineTune> context) {
    pods = new DepartedPods(context);
    List<EventSource<?, SafeFineTune>> sources = new ArrayList<>(PolicyWatch.eventSources(context));
    sources.add(pods);
    sources.add(new RefusedPods(context));
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
        ? followed.with(policies.now(resource, context))
        : Obstacles.of(
                context.getClient(), job.get(), seen, context.getSecondaryResources(Event.class))
            .map(followed::with)
            .orElse(followed);
  }

  /**
   * When to look again at a run that waits for something that nothing announces: the later the
   * longer it has waited, for a thousand may wait in a queue. Empty for any other run.
   *
   * @param begin when the run began
   */
  public static Optional<Duration> looksAgain(RunObservation seen, Instant begin, Instant now) {
    if (seen.job() == null || !seen.job().suspended() || seen.job().queue() == null) {
      return Optional.empty();
    }
    Duration share = Duration.between(begin, now).dividedBy(SHARE);
    return Optional.of(share.compareTo(SOON) < 0 ? SOON : share.compareTo(LATE) > 0 ? LATE : share);
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
