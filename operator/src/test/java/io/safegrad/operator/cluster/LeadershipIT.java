package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.safegrad.api.v1alpha1.Phase;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Two operators, of which one acts, with the rights that the chart gives them. */
@ExtendWith(Cluster.Extension.class)
class LeadershipIT {

  private static final Path LEASE_ROLE = Path.of("../deploy/helm/files/lease-role.yaml");
  private static final String NAMESPACE = "safegrad-system";
  private static final String LEADS = "Leads, by the lease";
  private static final String LEADER = "safegrad_leader\\{lease=\"safegrad-operator\",?}";

  /** The lease runs out after 15 s, and is looked at every 2.2 s at the latest. */
  private static final Duration AFTER_A_KILL = Duration.ofSeconds(20);

  /** Far less than the lease, on a machine that may be busy. */
  private static final Duration AFTER_A_DRAIN = Duration.ofSeconds(8);

  private final Cluster cluster;
  private final FakeNode node;
  private final OperatorProcess one;
  private final OperatorProcess other;

  LeadershipIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
    Map<String, String> settings = Map.of("SAFEGRAD_LEADER_ELECTION_ENABLED", "true");
    this.one = cluster.another("one", settings);
    this.other = cluster.another("other", settings);
  }

  @BeforeEach
  void leaveTheClusterToThem() throws InterruptedException {
    cluster.operator().stop();
    Role role = cluster.client().rbac().roles().load(LEASE_ROLE.toFile()).item();
    cluster.client().resource(role).inNamespace(NAMESPACE).create();
    cluster
        .client()
        .resource(
            new RoleBindingBuilder()
                .withNewMetadata()
                .withName(role.getMetadata().getName())
                .withNamespace(NAMESPACE)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "Role", role.getMetadata().getName())
                .addNewSubject("", "ServiceAccount", "safegrad-operator", NAMESPACE)
                .build())
        .create();
  }

  @AfterEach
  void takeTheClusterBack() throws InterruptedException {
    one.kill();
    other.kill();
    cluster.operator().start();
  }

  @Test
  void oneActsAndTheOtherFollowsItWithinSecondsAndRepeatsNothing() throws Exception {
    one.start();
    one.awaitLog(LEADS);
    other.start();
    TestRun first = new TestRun(cluster).create();
    Job job = first.awaitJob();
    node.starts(first.awaitPod(), "127.1.1.9");
    first.awaitPhase(Phase.Preparing);
    assertThat(other.get("/q/health/ready")).contains("\"status\": \"UP\"");
    assertThat(other.get("/metrics"))
        .containsPattern(LEADER + " 0\\.0")
        .containsPattern("safegrad_runs\\{phase=\"Preparing\",?} 0\\.0");
    assertThat(one.get("/metrics"))
        .containsPattern(LEADER + " 1\\.0")
        .containsPattern("safegrad_runs\\{phase=\"Preparing\",?} [1-9]");

    long begin = System.nanoTime();
    one.kill();
    TestRun second = new TestRun(cluster).create();
    second.awaitJob();
    Duration killed = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(other.log()).contains(LEADS);
    one.start();

    begin = System.nanoTime();
    CompletableFuture<Duration> end = CompletableFuture.supplyAsync(() -> stop(other));
    TestRun third = new TestRun(cluster).create();
    third.awaitJob();
    Duration drained = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(end.join()).as("the time to end").isLessThan(Duration.ofSeconds(10));
    assertThat(other.log()).contains("Gave the lease");
    System.out.printf(
        "the other acts %.1f s after a kill, %.1f s after a drain%n",
        killed.toMillis() / 1e3, drained.toMillis() / 1e3);
    assertThat(killed).isLessThan(AFTER_A_KILL);
    assertThat(drained).isLessThan(AFTER_A_DRAIN);

    node.ends(first.awaitPod(), 0, Results.success(first.planDigest(), 50));
    first.awaitPhase(Phase.Succeeded);
    assertThat(first.awaitJob().getMetadata().getUid()).isEqualTo(job.getMetadata().getUid());
    assertThat(first.eventReasons()).containsExactly("Preparing", "Queued", "Started", "Succeeded");
  }

  private static Duration stop(OperatorProcess process) {
    try {
      return process.stop();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
