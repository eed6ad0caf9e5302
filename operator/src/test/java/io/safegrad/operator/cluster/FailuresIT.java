package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A share of what {@link FailuresBench} does at length. */
class FailuresIT {

  private static final long SEED = 10;

  private static Cluster cluster;

  private final ClusterFailures failures = new ClusterFailures(cluster, SEED);
  private final TrainerFailures trainers = new TrainerFailures(cluster, SEED);

  @BeforeAll
  static void start() throws IOException {
    cluster = Cluster.breakable();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    cluster.close();
  }

  @Test
  void anOperatorThatIsKilledAgainAndAgainLosesNothingAndDoesNothingTwice() throws Exception {
    allIsWell(failures.operatorKilled(4, 8));
  }

  @Test
  void anApiServerThatIsAwayIsWaitedFor() throws Exception {
    allIsWell(failures.apiServerAway(6, 8));
  }

  @Test
  void aTrainerThatLiesOfItsProgressHarmsNobody() throws Exception {
    allIsWell(trainers.progressLies());
  }

  @Test
  void noMessageIsBelievedUnchecked() throws Exception {
    allIsWell(trainers.messagesNotToBeBelieved(5));
  }

  @Test
  void watchesThatAreCutGoOn() throws Exception {
    allIsWell(failures.connectionsCut(1, 4));
  }

  @Test
  void aConflictOnEveryWriteIsTriedAgain() throws Exception {
    allIsWell(failures.everyWriteConflicts(4));
  }

  @Test
  void whoWasAwayLongerThanTheHistoryReachesReadsAnew() throws Exception {
    allIsWell(failures.historyCompacted(4));
  }

  @Test
  void aNamespaceMayGoUnderItsRuns() throws Exception {
    allIsWell(failures.namespaceDeleted(4));
  }

  @Test
  void aCrdMayBeUpgradedUnderTheOperator() throws Exception {
    allIsWell(failures.crdUpgraded(4));
  }

  @Test
  void whatNobodyHasReadIsNoSuccess() throws Exception {
    allIsWell(failures.podsGoneBeforeTheyAreRead(3));
  }

  @Test
  void clocksMayDiffer() throws Exception {
    allIsWell(failures.clocksDiffer(4));
  }

  @Test
  void hostileManifestsAreRefusedOrRun() throws Exception {
    FuzzedManifests.Fuzzed fuzzed = new FuzzedManifests(cluster, SEED).run(40);
    System.out.println(fuzzed.told());
    assertThat(fuzzed.wrong()).isEmpty();
  }

  private static void allIsWell(Verdict verdict) {
    System.out.println(verdict.told());
    assertThat(verdict.wrong()).isEmpty();
  }
}
