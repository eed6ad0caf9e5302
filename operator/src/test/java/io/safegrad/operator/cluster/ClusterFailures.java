package io.safegrad.operator.cluster;

import java.util.Random;

/** What breaks between the operator and its cluster; each method is one class of failure. */
final class ClusterFailures {

  /** The first that an operator says. */
  private static final String CONNECTING = " Connecting to ";

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
