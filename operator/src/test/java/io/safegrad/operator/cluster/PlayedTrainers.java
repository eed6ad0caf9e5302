package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.operator.dependent.TrainerJob;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * A node that plays every trainer of one namespace: its pod starts, works for a while and ends as
 * its run is told to. It bears an API server that is away.
 */
final class PlayedTrainers implements AutoCloseable {

  private static final int LOOK_MILLIS = 150;
  private static final int AGAIN_MILLIS = 300;
  private static final int GONE = 404;

  private final KubernetesClient client;
  private volatile FakeNode node;
  private final String namespace;
  private final Function<String, Ending> endings;
  private volatile Ending others;
  private final Map<String, String> addresses = new ConcurrentHashMap<>();
  private final Map<String, Integer> attempts = new ConcurrentHashMap<>();
  private final Map<String, Runnable> working = new ConcurrentHashMap<>();
  private final Set<String> taken = ConcurrentHashMap.newKeySet();
  private final Random random;
  private final int leastMillis;
  private final int mostMillis;
  private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(3);

  /**
   * @param endings of each run, by its name; null for one whose pods are left alone
   * @param leastMillis how long a trainer works at least
   * @param mostMillis and at most
   */
  PlayedTrainers(
      KubernetesClient client,
      String namespace,
      Function<String, Ending> endings,
      Random random,
      int leastMillis,
      int mostMillis) {
    this.client = client;
    this.node = new FakeNode(client);
    this.namespace = namespace;
    this.endings = endings;
    this.random = random;
    this.leastMillis = leastMillis;
    this.mostMillis = mostMillis;
    clock.scheduleWithFixedDelay(this::look, 0, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** How every other run ends, whose pods are left alone otherwise. */
  void others(Ending ending) {
    others = ending;
  }

  /** Where the trainer of a run answers; nobody does where it is not said. */
  void reachable(String run, String address) {
    addresses.put(run, address);
  }

  /** The clock of the node is ahead of the others from now on, or behind. */
  void skew(Duration skew) {
    node = new FakeNode(client, skew);
  }

  /** Those that work have done so for long enough. */
  void endAll() {
    working.values().forEach(end -> step(0, end));
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }

  private void look() {
    try {
      client.pods().inNamespace(namespace).list().getItems().stream()
          .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
          .filter(pod -> ending(pod) != null)
          .filter(pod -> taken.add(pod.getMetadata().getUid()))
          .forEach(this::begin);
    } catch (KubernetesClientException e) {
      // The API server is away: there is a next look.
    }
  }

  private void begin(Pod pod) {
    int attempt = attempts.merge(run(pod), 1, Integer::sum);
    step(0, () -> node.starts(pod, addresses.get(run(pod))));
    int works = leastMillis + random.nextInt(mostMillis - leastMillis + 1);
    Runnable end = () -> end(pod, ending(pod).exit(attempt));
    working.put(pod.getMetadata().getUid(), end);
    step(works, end);
  }

  private void end(Pod pod, Ending.Exit exit) {
    Job job = client.resources(Job.class).inNamespace(namespace).withName(run(pod)).get();
    if (job != null) {
      String digest = job.getMetadata().getAnnotations().get(TrainerJob.PLAN_DIGEST);
      node.ends(pod, exit.code(), exit.message().apply(digest));
    }
  }

  /** Does something later, again and again until the API server has heard of it. */
  private void step(int delayMillis, Runnable action) {
    if (clock.isShutdown()) {
      return;
    }
    clock.schedule(
        () -> {
          try {
            action.run();
          } catch (KubernetesClientException e) {
            if (e.getCode() != GONE) {
              step(AGAIN_MILLIS, action);
            }
          }
        },
        delayMillis,
        TimeUnit.MILLISECONDS);
  }

  private Ending ending(Pod pod) {
    Ending ending = endings.apply(run(pod));
    return ending == null ? others : ending;
  }

  private static String run(Pod pod) {
    return pod.getMetadata().getLabels().get("batch.kubernetes.io/job-name");
  }
}
