package io.safegrad.operator.cluster;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;

/** Breaks everything that may break, at length, and prints one line for each class of failure. */
final class FailuresBench {

  private static final long SEED = 20260801;

  private FailuresBench() {}

  /**
   * Ends with 1 when anything is not as it must be.
   *
   * @param arguments the classes to try; all without any
   */
  public static void main(String... arguments) throws Exception {
    Bench.endsWhenItFails();
    boolean good = true;
    try (Cluster cluster = Cluster.breakable()) {
      for (Map.Entry<String, Callable<Verdict>> one : classes(cluster).entrySet()) {
        if (arguments.length == 0 || Set.of(arguments).contains(one.getKey())) {
          long begin = System.nanoTime();
          Verdict verdict = one.getValue().call();
          System.out.printf(
              "%s [%d s]%n", verdict.told(), (System.nanoTime() - begin) / 1_000_000_000);
          good &= verdict.wrong().isEmpty();
        }
      }
      if (arguments.length == 0 || Set.of(arguments).contains("fuzz")) {
        FuzzedManifests.Fuzzed fuzzed = new FuzzedManifests(cluster, SEED).run(500);
        System.out.println(fuzzed.told());
        fuzzed.wrong().forEach(one -> System.out.println("    " + one));
        good &= fuzzed.wrong().isEmpty();
      }
    }
    System.exit(good ? 0 : 1);
  }

  private static Map<String, Callable<Verdict>> classes(Cluster cluster) {
    ClusterFailures failures = new ClusterFailures(cluster, SEED);
    TrainerFailures trainers = new TrainerFailures(cluster, SEED);
    Map<String, Callable<Verdict>> classes = new LinkedHashMap<>();
    classes.put("progress", trainers::progressLies);
    classes.put("messages", () -> trainers.messagesNotToBeBelieved(25));
    classes.put("cuts", () -> failures.connectionsCut(10, 40));
    classes.put("conflicts", () -> failures.everyWriteConflicts(20));
    classes.put("compaction", () -> failures.historyCompacted(20));
    classes.put("namespace", () -> failures.namespaceDeleted(12));
    classes.put("crd", () -> failures.crdUpgraded(12));
    classes.put("unread", () -> failures.podsGoneBeforeTheyAreRead(8));
    classes.put("clocks", () -> failures.clocksDiffer(16));
    classes.put("outage", () -> failures.apiServerAway(60, 40));
    classes.put("kills", () -> failures.operatorKilled(100, 100));
    return classes;
  }
}
