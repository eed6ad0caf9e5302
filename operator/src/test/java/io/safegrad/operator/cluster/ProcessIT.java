package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The operator's process: restarts, its end, its metrics and its health. */
@ExtendWith(Cluster.Extension.class)
class ProcessIT {

  private final Cluster cluster;
  private final FakeNode node;

  ProcessIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void anOperatorKilledInTheMiddleLosesNothing() throws Exception {
    TestRun ends = new TestRun(cluster).create();
    TestRun goesOn = new TestRun(cluster).create();
    TestRun done = new TestRun(cluster).create();
    node.ends(done.awaitPod(), 0, Results.success(done.planDigest(), 50));
    done.awaitPhase(Phase.Succeeded);
    String doneVersion = done.resource().get().getMetadata().getResourceVersion();
    Pod pod = ends.awaitPod();
    node.starts(pod, "127.1.1.6");
    ends.awaitPhase(Phase.Preparing);
    goesOn.awaitPhase(Phase.Queued);
    Job job = goesOn.awaitJob();
    SafeFineTuneStatus before = goesOn.status();

    cluster.operator().kill();
    String digest = ends.planDigest();
    node.ends(pod, 0, Results.success(digest, 50));
    TestRun born = new TestRun(cluster).create();
    cluster.operator().start();

    ends.awaitPhase(Phase.Succeeded);
    born.awaitPhase(Phase.Queued);
    assertThat(ends.eventReasons())
        .as("nothing is told twice")
        .containsExactly("Preparing", "Queued", "Started", "Succeeded");
    assertThat(goesOn.awaitJob().getMetadata().getUid()).isEqualTo(job.getMetadata().getUid());
    assertThat(goesOn.status()).isEqualTo(before);
    assertThat(done.resource().get().getMetadata().getResourceVersion())
        .as("what is done is not written again")
        .isEqualTo(doneVersion);
  }

  @Test
  void askedToEndItEndsPromptlyWhileItFollowsARun() throws Exception {
    TestRun run = new TestRun(cluster).create();
    try (FakeTrainer trainer = new FakeTrainer("127.1.1.7")) {
      node.starts(run.awaitPod(), trainer.address());
      TestRun.awaitUntil("a question", () -> trainer.questions() > 0);
      assertThat(cluster.operator().stop()).isLessThan(Duration.ofSeconds(10));
    } finally {
      cluster.operator().start();
    }
    run.awaitPhase(Phase.Preparing);
  }

  @Test
  void withoutAnApiServerItEndsWithOneSentence(@TempDir Path folder) throws Exception {
    Path kubeconfig = folder.resolve("kubeconfig");
    Files.writeString(
        kubeconfig,
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
        users: [{name: a, user: {token: x}}]
        contexts: [{name: a, context: {cluster: a, user: a}}]
        current-context: a
        """);
    OperatorProcess lost =
        new OperatorProcess(kubeconfig, folder.resolve("operator.log"), Map.of());
    assertThatThrownBy(lost::start).hasMessageStartingWith("the operator did not start");
    assertThat(lost.logLines())
        .last()
        .asString()
        .startsWith("error: the API server http://127.0.0.1:1")
        .contains("Connection refused", "check KUBECONFIG");
    assertThat(lost.logLines()).noneSatisfy(line -> assertThat(line).startsWith("\tat "));
  }

  @Test
  void metricsCountRunsByPhaseAndNamespaceAndNameNone() throws Exception {
    TestRun run = new TestRun(cluster).create();
    run.awaitPhase(Phase.Queued);
    node.starts(run.awaitPod(), "127.1.1.8");
    // A status is counted right after it is written.
    TestRun.awaitUntil(
        "the time in Queued",
        () ->
            cluster
                .operator()
                .get("/metrics")
                .contains("safegrad_phase_duration_seconds_bucket{phase=\"Queued\""));
    String metrics = cluster.operator().get("/metrics");
    assertThat(metrics.lines().filter(line -> line.startsWith("safegrad_runs{")))
        .anySatisfy(
            line -> assertThat(line).matches("safegrad_runs\\{phase=\"Preparing\",?} [1-9].*"));
    assertThat(metrics)
        .contains("operator_sdk_")
        .contains("operator_sdk_controllers_execution_reconcile_seconds_bucket")
        .contains(
            "safegrad_gate_verdicts_total{run_namespace=\"%s\",verdict=\"refused\"} 0.0"
                .formatted(run.namespace()))
        .containsPattern("safegrad_api_requests_total\\{code=\"20[01]\",method=\"PATCH\"")
        .doesNotContain(TestRun.NAME);
    assertThat(cluster.operator().get("/q/health/ready")).contains("\"status\": \"UP\"");
    assertThat(cluster.operator().get("/q/health/live")).contains("\"status\": \"UP\"");
  }
}
