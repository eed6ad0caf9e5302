package io.safegrad.operator.cluster;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

/** What breaks between the operator and its cluster; each method is one class of failure. */
final class ClusterFailures {

  /** The first that an operator says. */
  private static final String CONNECTING = " Connecting to ";

  private static final Duration SKEW = Duration.ofHours(1);

  private final Cluster cluster;
  private final Random random;

  ClusterFailures(Cluster cluster, long seed) {
    this.cluster = cluster;
    this.random = new Random(seed);
  }

  /** SIGKILL at random moments, from its first request on. */
  Verdict operatorKilled(int kills, int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "killed", random, 200, 4000)) {
      for (int i = 0; i < kills; i++) {
        batch.create(runs / kills, Ending.ORDINARY.subList(i % 4, i % 4 + 1));
        int connected = log.matching(CONNECTING).size();
        cluster.operator().kill();
        cluster.operator().launch();
        TestRun.awaitUntil("a new operator", () -> log.matching(CONNECTING).size() > connected);
        Thread.sleep(random.nextInt(7000));
      }
      batch.awaitEnds();
      return Verdict.of(
          "operator killed %d times".formatted(kills), cluster, batch, log, CONNECTING, kills);
    }
  }

  /** Every connection ends at once, watches included, again and again. */
  Verdict connectionsCut(int cuts, int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "cut", random, 200, 5000)) {
      for (int i = 0; i < cuts; i++) {
        batch.create(runs / cuts, Ending.ORDINARY);
        Thread.sleep(1000 + random.nextInt(1000));
        cluster.proxy().cut();
        Thread.sleep(6000);
      }
      batch.awaitEnds();
      return Verdict.of(
          "connections and watches cut %d times".formatted(cuts),
          cluster,
          batch,
          log,
          "The watches were cut",
          cuts);
    }
  }

  /** The first attempt of every write is answered with 409, as if another had just written. */
  Verdict everyWriteConflicts(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    int before = cluster.proxy().conflicts();
    try (Batch batch = new Batch(cluster, "conflict", random, 200, 2000)) {
      cluster.proxy().conflicting(true);
      batch.create(runs, Ending.ORDINARY).awaitEnds();
      cluster.proxy().conflicting(false);
      return Verdict.of(
          "conflicts on every write, %d of them".formatted(cluster.proxy().conflicts() - before),
          cluster,
          batch,
          log,
          "(?i)conflict: .*tried again",
          0);
    } finally {
      cluster.proxy().conflicting(false);
    }
  }

  /**
   * The operator reaches nobody while runs are created and end, etcd forgets the history of that
   * time, and the API server is restarted, so that it does not remember it either.
   */
  Verdict historyCompacted(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "compacted", random, 200, 1500)) {
      batch.create(runs / 2, Ending.ORDINARY);
      Thread.sleep(1000);
      String version = batch.runs().get(0).getMetadata().getResourceVersion();
      cluster.proxy().cutOff();
      batch.create(runs - runs / 2, Ending.ORDINARY);
      Thread.sleep(3 * Cluster.COMPACTION.toMillis());
      cluster.controlPlane().stopApiServer();
      cluster.controlPlane().startApiServer();
      boolean forgotten = cluster.hasForgotten(version);
      cluster.proxy().restore();
      batch.awaitEnds();
      Verdict verdict =
          Verdict.of(
              "etcd compacted while the operator was away",
              cluster,
              batch,
              log,
              "The API server is away",
              1);
      return forgotten ? verdict : verdict.with("the history is still there");
    }
  }

  /** The pods end, and are removed, while no operator runs. */
  Verdict podsGoneBeforeTheyAreRead(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "unread", random, 600_000, 600_000)) {
      batch.create(runs, List.of(Ending.LOST));
      awaitTraining(batch);
      cluster.operator().kill();
      batch.trainers().endAll();
      TestRun.awaitUntil("the ends", batch::jobsHaveEnded);
      cluster.client().pods().inNamespace(batch.namespace()).delete();
      TestRun.awaitUntil(
          "the removal",
          () -> cluster.client().pods().inNamespace(batch.namespace()).list().getItems().isEmpty());
      cluster.operator().start();
      batch.awaitEnds();
      return Verdict.of(
          "pods removed before their end was read",
          cluster,
          batch,
          log,
          Pattern.quote(batch.namespace()) + "/.*\\[Failed: ResultLost: ",
          runs);
    }
  }

  /**
   * The node's clock is an hour ahead of the cluster's, then an hour behind, and that of a former
   * operator was an hour ahead; the runs may take half an hour.
   */
  Verdict clocksDiffer(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "skewed", random, 3000, 6000)) {
      batch.trainers().skew(SKEW);
      batch.create(runs / 2, Ending.ORDINARY, "activeDeadlineSeconds: 1800");
      awaitTraining(batch);
      cluster.operator().kill();
      for (SafeFineTune run : batch.runs()) {
        String start = Instant.parse(run.getStatus().startTime()).plus(SKEW).toString();
        cluster
            .client()
            .resource(run)
            .subresource("status")
            .patch(
                PatchContext.of(PatchType.JSON_MERGE),
                "{\"status\": {\"startTime\": \"%s\"}}".formatted(start));
      }
      batch.trainers().skew(SKEW.negated());
      cluster.operator().start();
      batch.create(runs - runs / 2, Ending.ORDINARY, "activeDeadlineSeconds: 1800").awaitEnds();
      return Verdict.of(
          "clocks of node and former operator an hour off", cluster, batch, log, CONNECTING, 1);
    }
  }

  private static void awaitTraining(Batch batch) {
    TestRun.awaitUntil(
        "training",
        () ->
            batch.runs().stream()
                .allMatch(
                    run ->
                        run.getStatus() != null
                            && run.getStatus().phase() != null
                            && (run.getStatus().phase() == Phase.Preparing
                                || run.getStatus().phase().isTerminal())));
  }

  /** The whole namespace goes while its runs train; others must not suffer. */
  Verdict namespaceDeleted(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch gone = new Batch(cluster, "gone", random, 600_000, 600_000);
        Batch batch = new Batch(cluster, "stays", random, 2000, 4000)) {
      gone.create(runs, List.of(Ending.HELD));
      batch.create(runs, Ending.ORDINARY);
      awaitTraining(gone);
      cluster.client().namespaces().withName(gone.namespace()).delete();
      // The namespace controller waits longer each time that something was left.
      await("the removal of " + gone.namespace())
          .atMost(Duration.ofMinutes(3))
          .until(() -> cluster.client().namespaces().withName(gone.namespace()).get() == null);
      batch.awaitEnds();
      String explanation = gone.namespace() + "/\\S+: goes with its namespace";
      Verdict verdict =
          Verdict.of(
              "namespace deleted under %d runs".formatted(runs),
              cluster,
              batch,
              log,
              explanation,
              // Whether a run brings it up, and how often, is a matter of which of its objects go
              // first; a line may come after the namespace is gone.
              0,
              5 * runs);
      List<String> warnings = log.matching("WARN .*" + gone.namespace());
      return warnings.isEmpty()
          ? verdict
          : verdict.with(warnings.size() + " warnings of it: " + warnings.get(0));
    }
  }

  /** The CRD gets a field, is not served for a while, and is served again. */
  Verdict crdUpgraded(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "upgraded", random, 200, 8000)) {
      batch.create(runs / 2, Ending.ORDINARY);
      Thread.sleep(1500);
      cluster.upgradeCrd(false);
      Thread.sleep(4000);
      cluster.upgradeCrd(true);
      TestRun.awaitUntil("served again", () -> cluster.serves(batch.namespace()));
      batch.create(runs - runs / 2, Ending.ORDINARY).awaitEnds();
      return Verdict.of(
          "CRD upgraded, and not served for 4 s",
          cluster,
          batch,
          log,
          "The API server does not serve /apis/safegrad.io/v1alpha1/safefinetunes",
          1);
    } finally {
      cluster.applyCrds();
    }
  }

  /** Its process ends, and a new one serves the same address after a while. */
  Verdict apiServerAway(int seconds, int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "away", random, 200, seconds * 1000)) {
      batch.create(runs, Ending.ORDINARY);
      Thread.sleep(1500);
      cluster.controlPlane().stopApiServer();
      Thread.sleep(seconds * 1000L);
      cluster.controlPlane().startApiServer();
      batch.create(2, Ending.ORDINARY);
      batch.awaitEnds();
      return Verdict.of(
          "API server away for %d s".formatted(seconds),
          cluster,
          batch,
          log,
          "The API server is away",
          1);
    }
  }
}
