package io.safegrad.operator.cluster;

import io.safegrad.operator.cluster.LyingTrainer.Lie;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

/** What a trainer may do to its operator; each method is one class of failure. */
final class TrainerFailures {

  /** How often each liar is asked before its run ends. */
  private static final int QUESTIONS = 20;

  /** Less than one of the floods would leave behind. */
  private static final long MOST_GROWTH_BYTES = 90 << 20;

  private final Cluster cluster;
  private final Random random;

  TrainerFailures(Cluster cluster, long seed) {
    this.cluster = cluster;
    this.random = new Random(seed);
  }

  /** The progress endpoint hangs, lies, sends 100 MB or never ends; the run itself goes well. */
  Verdict progressLies() throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    List<LyingTrainer> liars = new ArrayList<>();
    try (Batch batch = new Batch(cluster, "lies", random, 600_000, 600_000)) {
      long before = cluster.operator().residentBytes();
      for (Lie lie : Lie.values()) {
        LyingTrainer liar = new LyingTrainer("127.1.3." + (1 + lie.ordinal()), lie);
        liars.add(liar);
        batch.trainers().reachable(batch.create(Ending.HELD), liar.address());
      }
      for (LyingTrainer liar : liars) {
        TestRun.awaitUntil(liar.address() + " is asked", () -> liar.questions() >= QUESTIONS);
      }
      long growth = cluster.operator().residentBytes() - before;
      batch.trainers().endAll();
      batch.awaitEnds();
      Verdict verdict =
          Verdict.of(
              "progress endpoint lies in %d ways".formatted(Lie.values().length),
              cluster,
              batch,
              log,
              Pattern.quote(batch.namespace()) + "/\\S+: The trainer does not tell its progress",
              Lie.values().length - Lie.TOLD.size());
      return growth < MOST_GROWTH_BYTES
          ? verdict
          : verdict.with("the operator grew by %d MiB".formatted(growth >> 20));
    } finally {
      for (LyingTrainer liar : liars) {
        liar.close();
      }
    }
  }

  /** The termination message is missing, cut off, forged. */
  Verdict messagesNotToBeBelieved(int runs) throws Exception {
    LogExcerpt log = LogExcerpt.begin(cluster);
    try (Batch batch = new Batch(cluster, "message", random, 200, 1000)) {
      batch.create(runs, Ending.UNBELIEVABLE).awaitEnds();
      return Verdict.of(
          "termination messages missing, cut off, forged",
          cluster,
          batch,
          log,
          Pattern.quote(batch.namespace())
              + "/\\S+: \\w+ → (Failed|Rejected)( \\[Started])? \\[(Failed|GateRefused): .{20,}]",
          runs);
    }
  }
}
