package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.TrainerJob;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** A node whose trainers end at once, and a clock that notes when each run's Job was there. */
final class InstantTrainers implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(15);

  private final FakeNode node;
  private final ExecutorService ends = Executors.newFixedThreadPool(4);
  private final Map<String, Long> jobAt = new ConcurrentHashMap<>();
  private final Map<String, String> digests = new ConcurrentHashMap<>();
  private final Map<String, Phase> phases = new ConcurrentHashMap<>();
  private final List<AutoCloseable> watches;

  InstantTrainers(KubernetesClient client) {
    node = new FakeNode(client);
    watches =
        List.of(
            client.resources(Job.class).inAnyNamespace().inform(each(this::jobIsThere)),
            client.pods().inAnyNamespace().inform(each(this::podIsThere)),
            client.resources(SafeFineTune.class).inAnyNamespace().inform(each(this::followed)));
  }

  /** A run as namespace/name. */
  static String key(HasMetadata run) {
    return run.getMetadata().getNamespace() + "/" + run.getMetadata().getName();
  }

  /** When the Job of a run was first seen, in {@link System#nanoTime()}. */
  long jobAt(String run) {
    return jobAt.get(run);
  }

  /** Waits until all have succeeded. */
  void awaitSucceeded(Collection<String> runs) throws InterruptedException {
    long start = System.nanoTime();
    while (waiting(runs) > 0) {
      if (System.nanoTime() - start > PATIENCE.toNanos()) {
        throw new IllegalStateException(
            "%d of %d runs have not succeeded within %s"
                .formatted(waiting(runs), runs.size(), PATIENCE));
      }
      Thread.sleep(50);
    }
  }

  @Override
  public void close() throws Exception {
    ends.shutdownNow();
    for (AutoCloseable watch : watches) {
      watch.close();
    }
  }

  private long waiting(Collection<String> runs) {
    return runs.stream().filter(run -> phases.get(run) != Phase.Succeeded).count();
  }

  private void jobIsThere(Job job) {
    if (jobAt.putIfAbsent(key(job), System.nanoTime()) == null) {
      digests.put(key(job), job.getMetadata().getAnnotations().get(TrainerJob.PLAN_DIGEST));
    }
  }

  private void podIsThere(Pod pod) {
    if (pod.getStatus().getContainerStatuses().isEmpty()) {
      ends.submit(() -> end(pod));
    }
  }

  /** Jobs and pods are watched apart: the pod may be heard of first. */
  private Void end(Pod pod) throws InterruptedException {
    String run =
        pod.getMetadata().getNamespace()
            + "/"
            + pod.getMetadata().getLabels().get("batch.kubernetes.io/job-name");
    while (!digests.containsKey(run)) {
      Thread.sleep(10);
    }
    node.ends(pod, 0, Results.success(digests.get(run), 50));
    return null;
  }

  private void followed(SafeFineTune run) {
    if (run.getStatus() != null && run.getStatus().phase() != null) {
      phases.put(key(run), run.getStatus().phase());
    }
  }

  private static <T> ResourceEventHandler<T> each(Consumer<T> seen) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(T one) {
        seen.accept(one);
      }

      @Override
      public void onUpdate(T before, T one) {
        seen.accept(one);
      }

      @Override
      public void onDelete(T one, boolean unknown) {}
    };
  }
}
