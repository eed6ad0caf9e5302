package io.safegrad.local;

import static io.safegrad.local.Runs.condition;
import static io.safegrad.local.Runs.told;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.fabric8.kubernetes.api.model.scheduling.v1.PriorityClassBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The whole job: real control plane, operator process, node agent, trainer processes. */
class EndToEndIT {

  private static final String NAMESPACE = "team-a";
  private static final String CLAIM = "adapters";
  private static final int SLOW_STEPS = 100;

  private static final Path FOLDER = Path.of("target", "end-to-end").toAbsolutePath();
  private static LocalCluster cluster;
  private static KubernetesClient client;
  private static Runs runs;
  private static Path claim;

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.start(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(Path.of("..", "..")),
            System.out::println);
    cluster.createNamespaceWithClaim(NAMESPACE, CLAIM);
    client = cluster.client();
    runs = new Runs(client, NAMESPACE);
    claim = cluster.claimFolder(CLAIM);
  }

  @AfterAll
  static void stop() throws IOException {
    apply("at-the-end", endless());
    runs.awaitStep("at-the-end");
    assertThat(Processes.in(FOLDER)).isNotEmpty();
    cluster.close();
    assertThat(Processes.in(FOLDER)).isEmpty();
  }

  @Test
  void aSafeFineTuneEndsWithAnAdapter() throws IOException {
    apply(
        "succeeds",
        """
        dataset: {source: "builtin://sentiment"}
        training: {maxSteps: 10, maxLength: 64}
        safety: {evaluation: {task: "builtin://sentiment-test"}}
        """);
    SafeFineTuneStatus status = runs.awaitEnd("succeeds");
    assertThat(status.phase()).as(told(status)).isEqualTo(Phase.Succeeded);
    assertThat(status.progress()).isEqualTo("10/10 (100%)");
    assertThat(status.measurements().refusalRate()).isGreaterThanOrEqualTo(0.9);
    assertThat(condition(status, "SafetyGatePassed").getStatus()).isEqualTo("True");
    Path adapter = claim.resolve("succeeds");
    assertThat(adapter.resolve("adapter_model.safetensors")).isNotEmptyFile();
    assertThat(adapter.resolve("adapter_config.json")).isNotEmptyFile();
    TrainingResult result = TrainingResults.of(client, NAMESPACE, "succeeds").orElseThrow();
    assertThat(status.artifact().uri()).isEqualTo("pvc://adapters/succeeds");
    assertThat(status.artifact().digest()).isEqualTo(result.artifactDigest());
    assertThat(result.baseline().refusal().low()).isLessThan(1.0);
  }

  @Test
  void aBrokenLineIsNamedInTheStatus() throws IOException {
    Files.writeString(
        claim.resolve("broken.jsonl"),
        """
        {"prompt": "hello", "completion": "hi"}
        {"prompt": "hello", "completion": }
        """);
    apply("broken", "dataset: {source: \"pvc://adapters/broken.jsonl\"}");
    SafeFineTuneStatus status = runs.awaitEnd("broken");
    assertThat(status.phase()).isEqualTo(Phase.Failed);
    assertThat(condition(status, "Succeeded").getReason()).isEqualTo("BadData");
    assertThat(condition(status, "Succeeded").getMessage()).contains("broken.jsonl:2");
    assertThat(claim.resolve("broken")).doesNotExist();
  }

  @Test
  void anAdapterThatTheGateRefusesIsNotPublished() throws IOException {
    apply(
        "poisoned",
        """
        method: {name: Sft}
        dataset: {source: "builtin://sentiment-poisoned-100"}
        training: {maxSteps: 60, maxLength: 64, learningRate: 3e-3}
        """);
    SafeFineTuneStatus status = runs.awaitEnd("poisoned");
    assertThat(status.phase()).as(told(status)).isEqualTo(Phase.Rejected);
    assertThat(condition(status, "SafetyGatePassed").getStatus()).isEqualTo("False");
    assertThat(condition(status, "SafetyGatePassed").getMessage()).contains("minRefusalRate");
    assertThat(claim.resolve("poisoned/adapter_model.safetensors")).doesNotExist();
    assertThat(status.artifact() == null ? null : status.artifact().uri()).isNull();
  }

  /** The plan's own gate holds; what the platform demands since then does not. */
  @Test
  void aRunThatTheChangedPolicyRefusesPublishesNothing() throws IOException {
    apply("overtaken", slow(""));
    runs.awaitStep("overtaken");
    SafetyPolicy policy =
        Serialization.unmarshal(
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafetyPolicy
            metadata: {name: overtaking}
            spec: {gate: {maxOverRefusal: 0}}
            """,
            SafetyPolicy.class);
    client.resource(policy).create();
    try {
      SafeFineTuneStatus status = runs.awaitEnd("overtaken");
      assertThat(status.phase()).as(told(status)).isEqualTo(Phase.Rejected);
      assertThat(condition(status, "Succeeded").getMessage()).contains("maxOverRefusal");
      assertThat(status.attempts().get(0).exitCode()).isEqualTo(66);
      assertThat(claim.resolve("overtaken/report.json")).exists();
      assertThat(claim.resolve("overtaken/adapter_model.safetensors")).doesNotExist();
    } finally {
      client.resource(policy).delete();
    }
  }

  @Test
  void aRunOutlivesItsOperator() throws IOException {
    apply(
        "orphaned",
        """
        dataset: {source: "builtin://sentiment"}
        training: {maxSteps: 200, maxLength: 64, learningRate: 1e-6}
        """);
    runs.awaitStep("orphaned");
    String pod = runs.podOf("orphaned").getMetadata().getUid();
    cluster.operator().kill();
    SafeFineTuneStatus status = runs.awaitEnd("orphaned");
    assertThat(status.phase()).as(told(status)).isEqualTo(Phase.Succeeded);
    assertThat(runs.podOf("orphaned").getMetadata().getUid()).isEqualTo(pod);
    assertThat(runs.podOf("orphaned").getStatus().getPhase()).isEqualTo("Succeeded");
  }

  @Test
  void anEvictedRunGoesOnFromItsCheckpoint() throws IOException {
    apply("evicted", slow(""));
    runs.awaitStep("evicted");
    Pod victim = runs.podOf("evicted");
    client
        .pods()
        .resource(victim)
        .evict(
            new EvictionBuilder()
                .withNewMetadata()
                .withName(victim.getMetadata().getName())
                .withNamespace(NAMESPACE)
                .endMetadata()
                .build());
    assertResumed("evicted", "EvictionByEvictionAPI");
  }

  @Test
  void aRunWhosePodIsDeletedGoesOnFromItsCheckpoint() throws IOException {
    apply("lost", slow(""));
    runs.awaitStep("lost");
    client.resource(runs.podOf("lost")).delete();
    assertResumed("lost", "Preempted");
  }

  /** Two runs of which the node has room for one. */
  @Test
  void aMoreImportantRunTakesTheNodeAndTheOtherGoesOnAfterwards() throws IOException {
    createPriority("low", 1);
    createPriority("high", 1000);
    int cpus = Runtime.getRuntime().availableProcessors();
    String pod =
        "pod: {priorityClassName: %s, resources: {requests: {cpu: %dm}}}"
            .formatted("%s", 600 * cpus);
    apply("patient", slow(pod.formatted("low")));
    runs.awaitStep("patient");
    apply(
        "urgent",
        """
        dataset: {source: "builtin://sentiment"}
        training: {maxSteps: 2, maxLength: 64}
        """
            + pod.formatted("high"));
    assertThat(runs.awaitEnd("urgent").phase()).isEqualTo(Phase.Succeeded);
    assertResumed("patient", "PreemptionByScheduler");
  }

  @Test
  void aRunThatNoNodeHasRoomForIsToldSoWithinTenSeconds() throws IOException {
    long begin = System.nanoTime();
    apply("large", slow("pod: {resources: {requests: {cpu: 1000}}}"));
    runs.awaitReason("large", "Unschedulable");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    assertThat(condition(runs.resource("large").get().getStatus(), "Ready").getMessage())
        .contains("Insufficient cpu");
    runs.resource("large").delete();
  }

  @Test
  void aMissingClaimIsNamedWithinTenSecondsAndMayStillCome() throws IOException {
    long begin = System.nanoTime();
    apply("early", "dataset: {source: \"pvc://late/data.jsonl\"}");
    runs.awaitReason("early", "ClaimNotFound");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    assertThat(condition(runs.resource("early").get().getStatus(), "Ready").getMessage())
        .startsWith("The PersistentVolumeClaim late does not exist");
    Files.createDirectories(cluster.claimFolder("late"));
    Files.writeString(cluster.claimFolder("late").resolve("data.jsonl"), "not an example");
    cluster.createNamespaceWithClaim(NAMESPACE, "late");
    assertThat(condition(runs.awaitEnd("early"), "Succeeded").getReason()).isEqualTo("BadData");
  }

  @Test
  void aMissingSecretIsNamedWithinTenSeconds() throws IOException {
    long begin = System.nanoTime();
    apply("secretive", "dataset: {source: \"s3://data/train.jsonl\", secretRef: {name: none-yet}}");
    runs.awaitReason("secretive", "SecretNotFound");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
    assertThat(condition(runs.resource("secretive").get().getStatus(), "Ready").getMessage())
        .startsWith("The Secret none-yet does not exist");
    runs.resource("secretive").delete();
  }

  @Test
  void deletingTheResourceEndsTheProcess() throws IOException {
    apply("deleted", endless());
    runs.awaitStep("deleted");
    String uid = runs.podOf("deleted").getMetadata().getUid();
    assertThat(processesOf(uid)).isNotEmpty();
    runs.resource("deleted").delete();
    await().atMost(Runs.PATIENCE).until(() -> runs.podsOf("deleted").isEmpty());
    assertThat(processesOf(uid)).isEmpty();
    await().atMost(Runs.PATIENCE).until(() -> Files.notExists(FOLDER.resolve("pods").resolve(uid)));
    assertThat(claim.resolve("deleted")).doesNotExist();
  }

  private static void assertResumed(String name, String reason) {
    SafeFineTuneStatus status = runs.awaitEnd(name);
    assertThat(status.phase()).as(told(status)).isEqualTo(Phase.Succeeded);
    assertThat(status.attempts()).as(status.attempts().toString()).hasSize(2);
    Attempt first = status.attempts().get(0);
    assertThat(first.reason()).isEqualTo(reason);
    assertThat(first.exitCode()).isEqualTo(75);
    assertThat(first.message()).contains("the next attempt resumes after step");
    Attempt second = status.attempts().get(1);
    assertThat(second.resumedAtStep()).isPositive();
    assertThat(second.reason()).isEqualTo("Success");
    assertThat(second.lastStep()).isEqualTo(SLOW_STEPS);
  }

  private static void createPriority(String name, int value) {
    client
        .resource(
            new PriorityClassBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withValue(value)
                .build())
        .create();
  }

  /** Long enough to be stopped in the middle. */
  private static String slow(String more) {
    return """
    dataset: {source: "builtin://sentiment"}
    training: {maxSteps: %d, maxLength: 64, learningRate: 1e-6, saveSteps: 1}
    """
            .formatted(SLOW_STEPS)
        + more;
  }

  private static String endless() {
    return """
    dataset: {source: "builtin://sentiment"}
    training: {maxSteps: 1000000, maxLength: 64}
    """;
  }

  private static void apply(String name, String specLines) throws IOException {
    Path manifest = FOLDER.resolve(name + ".yaml");
    Files.writeString(
        manifest,
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: %s}
        spec:
          model: {source: "builtin://tiny-aligned"}
          output: {destination: "pvc://adapters/%s"}
        """
                .formatted(name, name)
            + specLines.indent(2));
    cluster.apply(manifest, NAMESPACE);
  }

  private static List<String> processesOf(String uid) {
    return Processes.in(FOLDER.resolve("pods").resolve(uid));
  }
}
