package io.safegrad.operator.cluster;

/** Breaks everything that may break, at length, and prints one line for each class of failure. */
final class FailuresBench {

  private static final long SEED = 20260801;

  private FailuresBench() {}

  /** Ends with 1 when anything is not as it must be. */
  public static void main(String... arguments) throws Exception {
    boolean good = true;
    try (Cluster cluster = Cluster.breakable()) {
      ClusterFailures failures = new ClusterFailures(cluster, SEED);
      TrainerFailures trainers = new TrainerFailures(cluster, SEED);
      good &= tell(trainers.progressLies());
      good &= tell(trainers.messagesNotToBeBelieved(10));
      good &= tell(failures.apiServerAway(Integer.parseInt(arguments[0]), 12));
      good &= tell(failures.operatorKilled(Integer.parseInt(arguments[1]), 12));
    }
    System.exit(good ? 0 : 1);
  }

  private static boolean tell(Verdict verdict) {
    System.out.println(verdict.told());
    return verdict.wrong().isEmpty();
  }
}
