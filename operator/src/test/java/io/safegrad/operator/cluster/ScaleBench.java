package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.operator.Examples;
import io.safegrad.operator.dependent.TrainerJob;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Many runs at once against a real control plane, with a node whose trainers end at once. Prints
 * one line for each measure.
 *
 * <p>{@code ScaleBench [RUNS [CLIENTS]]}: created in a cold operator by clients that each create
 * one after another, as many again in the same one, some one by one, then idleness. Admission
 * policies are not installed.
 */
final class ScaleBench {

  private static final int NAMESPACES = 10;
  private static final int CLIENTS = 4;
  private static final int STEADY = 200;
  private static final int STEADY_MILLIS = 250;
  private static final Duration IDLE = Duration.ofSeconds(30);
  private static final Duration PATIENCE = Duration.ofMinutes(15);

  private final Cluster cluster;
  private final KubernetesClient client;
  private final FakeNode node;
  private final ExecutorService creators;
  private final ExecutorService ends = Executors.newFixedThreadPool(4);
  private final Map<String, Long> createdAt = new ConcurrentHashMap<>();
  private final Map<String, Long> jobAt = new ConcurrentHashMap<>();
  private final Map<String, String> digests = new ConcurrentHashMap<>();
  private final Map<String, Phase> phases = new ConcurrentHashMap<>();

  private ScaleBench(Cluster cluster, int clients) {
    this.cluster = cluster;
    this.creators = Executors.newFixedThreadPool(clients);
    this.client = cluster.client();
    this.node = new FakeNode(client);
  }

  /** Runs it; without arguments 1000 runs by 4 clients. */
  public static void main(String... arguments) throws Exception {
    int resources = arguments.length < 1 ? 1000 : Integer.parseInt(arguments[0]);
    int clients = arguments.length < 2 ? CLIENTS : Integer.parseInt(arguments[1]);
    // By default Kubernetes' own controllers take minutes for the pods of so many Jobs.
    ControlPlane.Options options =
        ControlPlane.Options.withoutScheduler()
            .withControllerManagerFlags("--kube-api-qps=50", "--kube-api-burst=100");
    try (Cluster cluster = new Cluster(Map.of(), options)) {
      new ScaleBench(cluster, clients).run(resources);
    }
    System.exit(0);
  }

  private void run(int resources) throws Exception {
    for (int i = 0; i < NAMESPACES; i++) {
      client
          .resource(
              new NamespaceBuilder()
                  .withNewMetadata()
                  .withName("scale-" + i)
                  .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                  .endMetadata()
                  .build())
          .create();
    }
    try (SharedIndexInformer<Job> jobs =
            client.resources(Job.class).inAnyNamespace().inform(seen());
        SharedIndexInformer<Pod> pods = client.pods().inAnyNamespace().inform(taken());
        SharedIndexInformer<SafeFineTune> runs =
            client.resources(SafeFineTune.class).inAnyNamespace().inform(followed())) {
      cluster.operator().kill();
      cluster.operator().start();
      batch("cold", resources);
      batch("warm", resources);
      batch("steady", STEADY, STEADY_MILLIS);
      long writes = requests("create", "update", "patch", "delete");
      print("API writes per run", "%.1f", (double) writes / (2 * resources + STEADY));
      long before = requests();
      Thread.sleep(IDLE.toMillis());
      print(
          "API requests in %d s of idleness".formatted(IDLE.toSeconds()),
          "%d",
          requests() - before);
      print("operator RSS, MiB", "%d", cluster.operator().residentBytes() >> 20);
      print("its /metrics, KiB", "%d", cluster.operator().get("/metrics").length() >> 10);
    }
  }

  private void batch(String name, int resources) throws Exception {
    batch(name, resources, 0);
  }

  private void batch(String name, int resources, int pauseMillis) throws Exception {
    double operator = cluster.operator().cpuSeconds();
    double apiServer = apiServerCpuSeconds();
    List<String> created = create(name, resources, pauseMillis);
    long start = createdAt.get(created.get(0));
    print("%s: created in, s".formatted(name), "%.1f", seconds(start));
    awaitSucceeded(created);
    print("%s: all ended after, s".formatted(name), "%.1f", seconds(start));
    print(
        "%s: CPU of the operator, s".formatted(name),
        "%.0f",
        cluster.operator().cpuSeconds() - operator);
    print(
        "%s: CPU of the API server, s".formatted(name), "%.0f", apiServerCpuSeconds() - apiServer);
    List<Double> waits =
        created.stream().map(key -> (jobAt.get(key) - createdAt.get(key)) / 1e9).sorted().toList();
    print("%s: created to Job, p50, s".formatted(name), "%.2f", waits.get(waits.size() / 2));
    print("%s: created to Job, p90, s".formatted(name), "%.2f", waits.get(waits.size() * 9 / 10));
    print("%s: created to Job, p99, s".formatted(name), "%.2f", waits.get(waits.size() * 99 / 100));
  }

  private List<String> create(String name, int resources, int pauseMillis) throws Exception {
    List<SafeFineTune> manifests = new ArrayList<>();
    for (int i = 0; i < resources; i++) {
      manifests.add(manifest("scale-" + i % NAMESPACES, name + "-" + i));
    }
    List<Future<String>> all = new ArrayList<>();
    for (SafeFineTune one : manifests) {
      Thread.sleep(pauseMillis);
      all.add(
          creators.submit(
              () -> {
                String key = one.getMetadata().getNamespace() + "/" + one.getMetadata().getName();
                createdAt.put(key, System.nanoTime());
                client.resource(one).create();
                return key;
              }));
    }
    List<String> keys = new ArrayList<>();
    for (Future<String> one : all) {
      keys.add(one.get());
    }
    return keys;
  }

  private static SafeFineTune manifest(String namespace, String name) {
    return Manifest.read(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: %s, namespace: %s}
        spec:
        """
                .formatted(name, namespace)
            + Examples.specLines("builtin://tiny-aligned"));
  }

  private void awaitSucceeded(List<String> keys) throws InterruptedException {
    long start = System.nanoTime();
    while (keys.stream().anyMatch(key -> phases.get(key) != Phase.Succeeded)) {
      if (System.nanoTime() - start > PATIENCE.toNanos()) {
        throw new IllegalStateException(
            "%d of %d runs have not succeeded within %s"
                .formatted(
                    keys.stream().filter(key -> phases.get(key) != Phase.Succeeded).count(),
                    keys.size(),
                    PATIENCE));
      }
      Thread.sleep(50);
    }
  }

  private ResourceEventHandler<Job> seen() {
    return new Added<>() {
      @Override
      public void onAdd(Job job) {
        String key = job.getMetadata().getNamespace() + "/" + job.getMetadata().getName();
        jobAt.putIfAbsent(key, System.nanoTime());
        digests.put(key, job.getMetadata().getAnnotations().get(TrainerJob.PLAN_DIGEST));
      }
    };
  }

  /** Each pod ends as soon as it is there. */
  private ResourceEventHandler<Pod> taken() {
    return new Added<>() {
      @Override
      public void onAdd(Pod pod) {
        String key =
            pod.getMetadata().getNamespace()
                + "/"
                + pod.getMetadata().getLabels().get("batch.kubernetes.io/job-name");
        ends.submit(() -> end(pod, key));
      }
    };
  }

  /** Jobs and pods are watched apart: the pod may be heard of first. */
  private Void end(Pod pod, String key) throws InterruptedException {
    while (!digests.containsKey(key)) {
      Thread.sleep(10);
    }
    node.ends(pod, 0, Results.success(digests.get(key), 50));
    return null;
  }

  private ResourceEventHandler<SafeFineTune> followed() {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(SafeFineTune run) {
        onUpdate(null, run);
      }

      @Override
      public void onUpdate(SafeFineTune before, SafeFineTune run) {
        if (run.getStatus() != null && run.getStatus().phase() != null) {
          phases.put(
              run.getMetadata().getNamespace() + "/" + run.getMetadata().getName(),
              run.getStatus().phase());
        }
      }

      @Override
      public void onDelete(SafeFineTune run, boolean unknown) {}
    };
  }

  /** The operator's requests with these verbs in the audit log so far; all without any verb. */
  private long requests(String... verbs) throws IOException {
    try (Stream<String> lines = Files.lines(cluster.auditLog())) {
      return lines
          .filter(line -> line.contains("\"stage\":\"ResponseComplete\""))
          .filter(
              line ->
                  verbs.length == 0
                      || Stream.of(verbs)
                          .anyMatch(verb -> line.contains("\"verb\":\"" + verb + "\"")))
          .count();
    }
  }

  private double apiServerCpuSeconds() {
    return cpuSeconds("process_cpu_seconds_total", client.raw("/metrics"));
  }

  private static double cpuSeconds(String metric, String metrics) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(metric))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void print(String measure, String format, Object value) {
    System.out.println(measure + ": " + String.format(Locale.ROOT, format, value));
  }

  /** What is only interested in what is new. */
  private interface Added<T> extends ResourceEventHandler<T> {

    @Override
    default void onUpdate(T before, T now) {}

    @Override
    default void onDelete(T gone, boolean unknown) {}
  }
}
