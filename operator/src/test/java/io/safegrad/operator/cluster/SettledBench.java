package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import io.safegrad.controlplane.ControlPlane;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * An operator that starts among many runs: those that have ended and those that run, each with all
 * its objects, copied from two that were really led so far. Prints one line for each measure.
 *
 * <p>{@code SettledBench ENDED RUNNING}
 */
final class SettledBench {

  private static final int NAMESPACES = 10;
  private static final int CLIENTS = 8;
  private static final int LATE = 20;
  private static final String TRAINER = "127.1.3.1";
  private static final Duration UNDER_WAY = Duration.ofSeconds(30);
  private static final String WAITING = "operator_sdk_reconciliations_queue_size_safefinetune";

  /** What the API server or its controllers fill in. */
  private static final List<String> FILLED_IN =
      List.of(
          "controller-uid",
          "job-name",
          "batch.kubernetes.io/controller-uid",
          "batch.kubernetes.io/job-name");

  private final Cluster cluster;
  private final KubernetesClient client;
  private final ExecutorService executor = Executors.newFixedThreadPool(CLIENTS);

  /** A run with all its objects. */
  private record Whole(SafeFineTune run, ConfigMap plan, NetworkPolicy network, Job job, Pod pod) {}

  private SettledBench(Cluster cluster) {
    this.cluster = cluster;
    this.client = cluster.client();
  }

  /** Runs it; the arguments are how many runs have ended and how many run. */
  public static void main(String... arguments) throws Exception {
    Bench.endsWhenItFails();
    Map<String, String> settings =
        Map.of("SAFEGRAD_PROGRESS_POLL_INTERVAL", "2s", "SAFEGRAD_PROGRESS_STATUS_INTERVAL", "10s");
    try (Cluster cluster = new Cluster(settings, ControlPlane.Options.withoutScheduler())) {
      SettledBench bench = new SettledBench(cluster);
      try {
        bench.run(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]));
      } finally {
        bench.executor.shutdownNow();
      }
    }
    System.exit(0);
  }

  private void run(int ended, int running) throws Exception {
    for (int i = 0; i < NAMESPACES; i++) {
      client
          .resource(
              new NamespaceBuilder().withNewMetadata().withName("scale-" + i).endMetadata().build())
          .create();
    }
    try (FakeTrainer trainer = new FakeTrainer(TRAINER)) {
      trainer.counts();
      FakeNode node = new FakeNode(client);
      TestRun first = new TestRun(cluster).create();
      node.ends(first.awaitPod(), 0, Results.success(first.planDigest(), 50));
      first.awaitPhase(Phase.Succeeded);
      TestRun second = new TestRun(cluster).create();
      node.starts(second.awaitPod(), TRAINER);
      second.awaitPhase(Phase.Training);
      cluster.operator().kill();

      long begin = System.nanoTime();
      Whole prototype = whole(first);
      copy("ended", prototype, ended);
      copy("running", whole(second), running);
      print("runs copied in, s", "%.0f", seconds(begin));
      restart(prototype, ended + running + 2);
    }
  }

  private void restart(Whole prototype, int known) throws Exception {
    for (int i = 0; i < LATE; i++) {
      client.resource(fresh(prototype, "scale-" + i % NAMESPACES, "late-" + i)).create();
    }
    long writes = writes("ended-");
    long begin = System.nanoTime();
    cluster.operator().start();
    print("start until it follows the cluster, s", "%.1f", seconds(begin));
    print("the operator's processor time until then, s", "%.1f", cluster.operator().cpuSeconds());
    for (int i = 0; i < LATE; i++) {
      var job =
          client.resources(Job.class).inNamespace("scale-" + i % NAMESPACES).withName("late-" + i);
      TestRun.awaitUntil("a Job", () -> job.get() != null);
    }
    print(
        "start until %d runs of the meantime have Jobs, s".formatted(LATE), "%.1f", seconds(begin));
    TestRun.awaitUntil("the last of the queue", () -> metric(WAITING) == 0);
    print("start until every run was looked at, s", "%.1f", seconds(begin));
    print("the operator's processor time until then, s", "%.1f", cluster.operator().cpuSeconds());
    Thread.sleep(UNDER_WAY.toMillis());
    print(
        "operator RSS %d s later, MiB".formatted(UNDER_WAY.toSeconds()),
        "%d",
        cluster.operator().residentBytes() >> 20);
    print("its /metrics, KiB", "%d", cluster.operator().get("/metrics").length() >> 10);
    print(
        "its heap in use, MiB",
        "%.0f",
        metric("jvm_memory_used_bytes\\{area=\"heap\"") / (1 << 20));
    print("its threads", "%.0f", metric("jvm_threads_live_threads"));
    print(
        "etcd's file, MiB",
        "%d",
        Files.size(cluster.auditLog().resolveSibling("etcd/member/snap/db")) >> 20);
    print("writes for runs that had ended", "%d", writes("ended-") - writes);
    print(
        "Jobs beyond one for each run",
        "%d",
        client.resources(Job.class).inAnyNamespace().list().getItems().size() - known - LATE);
  }

  private Whole whole(TestRun run) {
    return new Whole(
        run.resource().get(),
        run.plan().orElseThrow(),
        client
            .network()
            .v1()
            .networkPolicies()
            .inNamespace(run.namespace())
            .withName(TestRun.NAME)
            .get(),
        run.awaitJob(),
        run.pods().get(0));
  }

  private void copy(String name, Whole prototype, int count) throws Exception {
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String namespace = "scale-" + i % NAMESPACES;
      String run = name + "-" + i;
      all.add(executor.submit(() -> copy(prototype, namespace, run)));
    }
    for (Future<?> one : all) {
      one.get();
    }
  }

  private static SafeFineTune fresh(Whole prototype, String namespace, String name) {
    SafeFineTune run = new SafeFineTune();
    run.setMetadata(meta(prototype.run(), namespace, name, null));
    run.setSpec(prototype.run().getSpec());
    return run;
  }

  private void copy(Whole prototype, String namespace, String name) {
    SafeFineTune created = client.resource(fresh(prototype, namespace, name)).create();
    created.setStatus(
        SafeFineTuneStatusBuilder.builder(prototype.run().getStatus()).jobName(name).build());
    client.resource(created).updateStatus();

    ConfigMap plan = client.getKubernetesSerialization().clone(prototype.plan());
    plan.setMetadata(meta(prototype.plan(), namespace, name + "-plan", created));
    client.resource(plan).create();
    NetworkPolicy network = client.getKubernetesSerialization().clone(prototype.network());
    network.setMetadata(meta(prototype.network(), namespace, name, created));
    client.resource(network).create();

    Job job =
        new JobBuilder(prototype.job())
            .withMetadata(meta(prototype.job(), namespace, name, created))
            .withStatus(null)
            .editSpec()
            // Kubernetes' own controller would give it another pod.
            .withManagedBy("safegrad.io/bench")
            .withSelector(null)
            .endSpec()
            .build();
    FILLED_IN.forEach(job.getSpec().getTemplate().getMetadata().getLabels()::remove);
    Job createdJob = client.resource(job).create();
    createdJob.setStatus(prototype.job().getStatus());
    client.resource(createdJob).updateStatus();

    Pod pod =
        new PodBuilder(prototype.pod())
            .withMetadata(meta(prototype.pod(), namespace, name + "-x", createdJob))
            .withStatus(null)
            .build();
    Pod createdPod = client.resource(pod).create();
    createdPod.setStatus(prototype.pod().getStatus());
    client.resource(createdPod).updateStatus();
  }

  /** The labels and annotations of another object, for a name and an owner of one's own. */
  private static ObjectMeta meta(
      HasMetadata prototype, String namespace, String name, HasMetadata owner) {
    Map<String, String> labels = new HashMap<>(prototype.getMetadata().getLabels());
    labels.replace(
        "safegrad.io/safefinetune", owner == null ? name : owner.getMetadata().getName());
    labels.replace(
        "batch.kubernetes.io/job-name", owner == null ? name : owner.getMetadata().getName());
    ObjectMetaBuilder meta =
        new ObjectMetaBuilder()
            .withName(name)
            .withNamespace(namespace)
            .withLabels(labels)
            .withAnnotations(prototype.getMetadata().getAnnotations());
    if (owner != null) {
      meta.withOwnerReferences(
          new OwnerReferenceBuilder()
              .withApiVersion(owner.getApiVersion())
              .withKind(owner.getKind())
              .withName(owner.getMetadata().getName())
              .withUid(owner.getMetadata().getUid())
              .withController(true)
              .build());
    }
    return meta.build();
  }

  /** The sum over the series that begin so. */
  private double metric(String series) throws IOException, InterruptedException {
    return Pattern.compile("(?m)^" + series + ".* (\\S+)$")
        .matcher(cluster.operator().get("/metrics"))
        .results()
        .mapToDouble(found -> Double.parseDouble(found.group(1)))
        .sum();
  }

  /** The operator's writes of objects whose name begins so, by the audit log. */
  private long writes(String prefix) throws IOException {
    try (Stream<String> lines = Files.lines(cluster.auditLog())) {
      return lines
          .filter(line -> line.contains("\"stage\":\"ResponseComplete\""))
          .filter(line -> line.contains("\"name\":\"" + prefix))
          .filter(line -> !line.matches(".*\"verb\":\"(get|list|watch)\".*"))
          .count();
    }
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void print(String measure, String format, Object value) {
    System.out.println(measure + ": " + String.format(Locale.ROOT, format, value));
  }
}
