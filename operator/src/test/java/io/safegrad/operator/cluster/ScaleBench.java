package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.operator.Examples;
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
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Many runs against a real control plane, with a node whose trainers end at once. Prints one line
 * for each measure. Admission policies are not installed.
 *
 * <p>{@code ScaleBench at-once RUNS CLIENTS}: created in a cold operator by clients that each
 * create one after another, as many again in the same one, then idleness.
 *
 * <p>{@code ScaleBench steady RUNS RATE…}: as many for each rate (a second), in a warm operator,
 * whether those before have their Jobs or not.
 */
final class ScaleBench {

  private static final int NAMESPACES = 10;
  private static final int WARM_UP = 200;
  private static final int CLIENTS = 4;

  /** Enough for each run to be created at its time, however long the API server takes. */
  private static final int STEADY_CLIENTS = 32;

  private static final Duration IDLE = Duration.ofSeconds(30);

  private final Cluster cluster;
  private final KubernetesClient client;
  private final InstantTrainers trainers;
  private final Map<String, Long> createdAt = new ConcurrentHashMap<>();

  private ScaleBench(Cluster cluster, InstantTrainers trainers) {
    this.cluster = cluster;
    this.client = cluster.client();
    this.trainers = trainers;
  }

  /** Runs it. */
  public static void main(String... arguments) throws Exception {
    Bench.endsWhenItFails();
    int runs = Integer.parseInt(arguments[1]);
    // By default Kubernetes' own controllers take minutes for the pods of so many Jobs.
    ControlPlane.Options options =
        ControlPlane.Options.withoutScheduler()
            .withControllerManagerFlags("--kube-api-qps=50", "--kube-api-burst=100");
    try (Cluster cluster = new Cluster(Map.of(), options);
        InstantTrainers trainers = new InstantTrainers(cluster.client())) {
      ScaleBench bench = new ScaleBench(cluster, trainers);
      bench.namespaces();
      if (arguments[0].equals("at-once")) {
        bench.atOnce(runs, Integer.parseInt(arguments[2]));
      } else {
        bench.batch("warm-up", WARM_UP, CLIENTS, 0);
        for (String rate : List.of(arguments).subList(2, arguments.length)) {
          bench.batch("steady-" + rate, runs, STEADY_CLIENTS, Double.parseDouble(rate));
        }
      }
    }
    System.exit(0);
  }

  private void namespaces() {
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
  }

  private void atOnce(int runs, int clients) throws Exception {
    cluster.operator().kill();
    cluster.operator().start();
    batch("cold", runs, clients, 0);
    batch("warm", runs, clients, 0);
    int before = requests().size();
    Thread.sleep(IDLE.toMillis());
    List<String> idle = requests().stream().skip(before).toList();
    long ofAdmission = idle.stream().filter(ScaleBench::isOfAdmission).count();
    print("API requests in %d s of idleness".formatted(IDLE.toSeconds()), "%d", idle.size());
    print("of these for the look at admission, once a minute", "%d", ofAdmission);
    print("operator RSS, MiB", "%d", cluster.operator().residentBytes() >> 20);
    print("its /metrics, KiB", "%d", cluster.operator().get("/metrics").length() >> 10);
  }

  private void batch(String name, int runs, int clients, double rate) throws Exception {
    ProcessTimes times = ProcessTimes.now();
    long start = System.nanoTime();
    List<String> created = create(name, runs, clients, rate);
    print("%s: created in, s".formatted(name), "%.1f", seconds(start));
    trainers.awaitSucceeded(created);
    print("%s: all ended after, s".formatted(name), "%.1f", seconds(start));
    print("%s: CPU of each run, ms".formatted(name), "%s", ProcessTimes.now().perRun(times, runs));
    List<Double> waits =
        created.stream()
            .map(run -> (trainers.jobAt(run) - createdAt.get(run)) / 1e9)
            .sorted()
            .toList();
    for (int share : new int[] {50, 90, 99}) {
      print(
          "%s: created to Job, p%d, s".formatted(name, share),
          "%.2f",
          waits.get(waits.size() * share / 100));
    }
    RequestTally asked = RequestTally.of(cluster.auditLog(), created::contains);
    print("%s: requests of each run until its Job".formatted(name), "%s", asked.before());
    print("%s: requests of each run from then on".formatted(name), "%s", asked.after());
  }

  private List<String> create(String name, int runs, int clients, double rate) throws Exception {
    List<SafeFineTune> manifests = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      manifests.add(manifest("scale-" + i % NAMESPACES, name + "-" + i));
    }
    ExecutorService creators = Executors.newFixedThreadPool(clients);
    List<Future<String>> all = new ArrayList<>();
    long begin = System.nanoTime();
    for (SafeFineTune one : manifests) {
      long due = rate == 0 ? begin : begin + (long) (all.size() * 1e9 / rate);
      LockSupport.parkNanos(due - System.nanoTime());
      all.add(creators.submit(() -> create(one)));
    }
    List<String> keys = new ArrayList<>();
    for (Future<String> one : all) {
      keys.add(one.get());
    }
    creators.shutdown();
    return keys;
  }

  private String create(SafeFineTune run) {
    createdAt.put(InstantTrainers.key(run), System.nanoTime());
    client.resource(run).create();
    return InstantTrainers.key(run);
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

  /** The operator's requests in the audit log so far. */
  private List<String> requests() throws IOException {
    try (Stream<String> lines = Files.lines(cluster.auditLog())) {
      return lines.filter(line -> line.contains("\"stage\":\"ResponseComplete\"")).toList();
    }
  }

  private static boolean isOfAdmission(String request) {
    return request.contains("\"apiGroup\":\"admissionregistration.k8s.io\"")
        || request.contains("safegrad-admission-probe");
  }

  private static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void print(String measure, String format, Object value) {
    System.out.println(measure + ": " + String.format(Locale.ROOT, format, value));
  }
}
