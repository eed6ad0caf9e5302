package io.safegrad.operator.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Hostile manifests, applied as kubectl does: each is refused by the API server, refused by the
 * operator, waits for something that its status names, or runs; and the operator stays as it was.
 */
final class FuzzedManifests {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Requests of any kind, dry runs too: checks, objects, status and events of one run. */
  private static final int MOST_REQUESTS = 40;

  private static final int QUIET_SECONDS = 10;
  private static final int MOST_QUIET_REQUESTS = 5;
  private static final long MOST_HEAP_GROWTH = 20 << 20;
  private static final int MOST_THREAD_GROWTH = 15;

  /** No sentence of the operator's is one of these. */
  private static final Set<String> UNCLEAR = Set.of("OperatorError", "ApiServerError", "");

  private final Cluster cluster;
  private final HostileManifests manifests;
  private final Random random;
  private final Map<String, Integer> ends = new TreeMap<>();
  private final List<String> wrong = new ArrayList<>();

  FuzzedManifests(Cluster cluster, long seed) {
    this.cluster = cluster;
    this.manifests = new HostileManifests(seed);
    this.random = new Random(seed);
  }

  /** Applies as many; returns a line of what became of them, and what is wrong. */
  Fuzzed run(int count) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    // What the operator holds once it has seen a few; all of them must not leave it with more.
    batch(Math.max(10, count / 10));
    long heap = heap();
    double threads = threads();
    ends.clear();
    Map<String, Integer> requests = batch(count);
    int most = requests.values().stream().max(Integer::compare).orElse(0);
    requests.forEach(
        (run, number) -> {
          if (number > MOST_REQUESTS) {
            wrong.add("%s: %d requests, at most %d expected".formatted(run, number, MOST_REQUESTS));
          }
        });
    long heapGrowth = heap() - heap;
    double threadGrowth = threads() - threads;
    if (heapGrowth > MOST_HEAP_GROWTH || threadGrowth > MOST_THREAD_GROWTH) {
      wrong.add("grown by %d MiB and %.0f threads".formatted(heapGrowth >> 20, threadGrowth));
    }
    if (!log.stray().isEmpty()) {
      wrong.add(
          "%d lines that are no message: %s".formatted(log.stray().size(), log.stray().get(0)));
    }
    return new Fuzzed(
        String.format(
            Locale.ROOT,
            "%d fuzzed manifests: %s. %s; most requests for one: %d; heap %+d KiB, threads %+.0f",
            count,
            wrong.isEmpty() ? "ok" : "WRONG",
            ends,
            most,
            heapGrowth >> 10,
            threadGrowth),
        wrong);
  }

  /**
   * What became of the manifests.
   *
   * @param told in one line
   * @param wrong what is not as it must be
   */
  record Fuzzed(String told, List<String> wrong) {}

  private Map<String, Integer> batch(int count) throws Exception {
    try (Batch batch = new Batch(cluster, "fuzzed", random, 100, 500)) {
      batch.trainers().others(Ending.HELD);
      for (int i = 0; i < count; i++) {
        apply(batch.namespace(), manifests.next(batch.namespace(), "fuzzed-%03d".formatted(i)));
      }
      awaitSettled(batch);
      long before = requests(batch.namespace()).values().stream().mapToInt(n -> n).sum();
      TimeUnit.SECONDS.sleep(QUIET_SECONDS);
      Map<String, Integer> requests = requests(batch.namespace());
      long later = requests.values().stream().mapToInt(n -> n).sum();
      if (later - before > MOST_QUIET_REQUESTS + waiting(batch) * (long) QUIET_SECONDS) {
        wrong.add(
            "%d requests in %d s after all had settled".formatted(later - before, QUIET_SECONDS));
      }
      for (SafeFineTune run : batch.runs()) {
        Optional<String> end = end(run);
        if (end.isEmpty()) {
          wrong.add(run.getMetadata().getName() + ": " + run.getStatus());
        }
        ends.merge(end.orElse("unclear"), 1, Integer::sum);
      }
      return requests;
    }
  }

  private void apply(String namespace, String manifest) {
    try {
      cluster
          .client()
          .raw(
              "/apis/safegrad.io/v1alpha1/namespaces/%s/safefinetunes?fieldValidation=Strict"
                  .formatted(namespace),
              "POST",
              manifest);
    } catch (KubernetesClientException e) {
      if (e.getCode() >= 400 && e.getCode() < 500 && e.getMessage() != null) {
        ends.merge("refused at apply", 1, Integer::sum);
      } else {
        wrong.add("code %d at apply: %s".formatted(e.getCode(), e.getMessage()));
      }
    }
  }

  private void awaitSettled(Batch batch) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(4);
    while (System.nanoTime() < deadline
        && batch.runs().stream().anyMatch(run -> end(run).isEmpty())) {
      Thread.sleep(500);
    }
  }

  private static long waiting(Batch batch) {
    return batch.runs().stream().filter(run -> end(run).orElse("").startsWith("waits")).count();
  }

  /** How a run stands, when that is for good; empty when it is not, or nobody knows why. */
  private static Optional<String> end(SafeFineTune run) {
    SafeFineTuneStatus status = run.getStatus();
    if (status == null || status.conditions() == null || status.phase() == null) {
      return Optional.empty();
    }
    Condition accepted = condition(status, "Accepted");
    Condition ready = condition(status, "Ready");
    if (UNCLEAR.contains(accepted.getReason()) || ready.getMessage().isBlank()) {
      return Optional.empty();
    }
    if (status.phase() == Phase.Succeeded) {
      return Optional.of("ran");
    }
    if (status.phase().isTerminal()) {
      return Optional.of("ended with " + ready.getReason());
    }
    if ("False".equals(accepted.getStatus())) {
      return Optional.of("Accepted=False: " + accepted.getReason());
    }
    boolean ordinary =
        Stream.of(Phase.values()).anyMatch(one -> one.name().equals(ready.getReason()));
    return status.phase() == Phase.Suspended || !ordinary
        ? Optional.of("waits: " + ready.getReason())
        : Optional.empty();
  }

  private static Condition condition(SafeFineTuneStatus status, String type) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElse(new ConditionBuilder().withReason("").withMessage("").build());
  }

  /** The operator's requests for objects of a namespace so far, by the run they are about. */
  private Map<String, Integer> requests(String namespace) throws IOException {
    Map<String, Integer> requests = new HashMap<>();
    try (Stream<String> lines = Files.lines(cluster.auditLog())) {
      for (String line : (Iterable<String>) lines::iterator) {
        if (!line.contains(namespace) || !line.endsWith("}")) {
          continue;
        }
        JsonNode object = JSON.readTree(line).path("objectRef");
        String name = object.path("name").asText();
        if (name.startsWith("fuzzed-")) {
          requests.merge(name.substring(0, "fuzzed-000".length()), 1, Integer::sum);
        }
      }
    }
    return requests;
  }

  /** Bytes of the heap after a collection. */
  private long heap() throws Exception {
    Process collection =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(cluster.operator().pid()),
                "GC.run")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (collection.waitFor() != 0) {
      throw new IllegalStateException("jcmd cannot ask the operator for a collection");
    }
    return (long) metric("jvm_memory_used_bytes{area=\"heap\"");
  }

  private double threads() throws Exception {
    return metric("jvm_threads_live_threads");
  }

  private double metric(String prefix) throws Exception {
    return cluster
        .operator()
        .get("/metrics")
        .lines()
        .filter(line -> line.startsWith(prefix))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }
}
