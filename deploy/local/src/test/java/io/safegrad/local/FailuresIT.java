package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.controlplane.ChildProcess;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What breaks under real trainers: their node, their pod at each stage, the API server, their disk.
 * After each, the run is in the right phase and its adapter is published once or not at all.
 */
class FailuresIT {

  private static final String NAMESPACE = "team-a";
  private static final String CLAIM = "adapters";
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Path FOLDER = Path.of("target", "failures").toAbsolutePath();
  private static final Repository REPOSITORY = new Repository(Path.of("..", ".."));

  private static ControlPlane controlPlane;
  private static KubernetesClient client;
  private static OperatorProcess operator;
  private static ChildProcess node;

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    Files.createDirectories(FOLDER.resolve("pods"));
    controlPlane =
        ControlPlane.start(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER.resolve("cluster"),
            ControlPlane.Options.complete());
    client =
        new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(controlPlane.kubeconfig().toFile()))
            .build();
    ClusterResources resources = new ClusterResources(client);
    resources.installCrds();
    resources.createNamespaceWithClaim(NAMESPACE, CLAIM, FOLDER.resolve(CLAIM));
    Path kubeconfig =
        controlPlane.writeKubeconfig(
            ClusterResources.OPERATOR, resources.createOperatorAccount(REPOSITORY.operatorRole()));
    operator = OperatorProcess.start(REPOSITORY.operator(), kubeconfig, FOLDER.resolve("cluster"));
    startNode();
    // It is tried again after 10, 20 and 40 seconds.
    apply("full", 2, "pod: {image: \"" + NodeProgram.FULL_DISK_IMAGE + "\"}");
  }

  @AfterAll
  static void stop() {
    operator.close();
    node.close();
    client.close();
    controlPlane.close();
  }

  @Test
  void aRunWhoseNodeAgentIsKilledGoesOnFromItsCheckpoint() {
    apply("orphaned", 60, "");
    awaitStage("orphaned", Set.of("TRAINING"));
    node.kill();
    node.exitCode().join();
    startNode();
    SafeFineTuneStatus status = assertPublishedOnce("orphaned");
    assertThat(status.attempts()).hasSize(2);
    assertThat(status.attempts().get(0).reason()).isEqualTo("TerminationByKubelet");
    assertThat(status.attempts().get(1).resumedAtStep()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"PREPARING", "BASELINE_EVALUATION", "TRAINING", "FINAL_EVALUATION", "PUBLISHING"})
  void aRunWhosePodIsDeletedIsPublishedOnce(String stage) {
    String name = "deleted-in-" + stage.toLowerCase(Locale.ROOT).replace('_', '-');
    apply(name, 3, "");
    client.resource(awaitStage(name, Set.of(stage))).delete();
    SafeFineTuneStatus status = assertPublishedOnce(name);
    // A trainer that is just publishing may be done before it ends.
    assertThat(status.attempts()).hasSizeBetween(stage.equals("PUBLISHING") ? 1 : 2, 2);
  }

  /** It trains to its end, and publishes nothing before somebody may say that it may. */
  @Test
  void aRunWhoseApiServerIsAwayWaitsForLeaveToPublish() {
    apply("unheard", 5, "");
    Pod pod = awaitStage("unheard", Set.of("TRAINING"));
    controlPlane.stopApiServer();
    try {
      await().atMost(PATIENCE).until(() -> says(pod, "\"approval\":{"));
    } finally {
      controlPlane.startApiServer();
    }
    assertThat(assertPublishedOnce("unheard").attempts()).hasSize(1);
  }

  @Test
  void aRunWhoseDiskIsFullPublishesNothingAndSaysSo() {
    SafeFineTuneStatus status = awaitEnd("full");
    assertThat(status.phase()).isEqualTo(Phase.Failed);
    assertThat(reason(status)).isEqualTo("Internal");
    assertThat(status.artifact() == null ? null : status.artifact().uri()).isNull();
    assertThat(FOLDER.resolve(CLAIM).resolve("full")).doesNotExist();
  }

  private static SafeFineTuneStatus assertPublishedOnce(String name) {
    SafeFineTuneStatus status = awaitEnd(name);
    assertThat(status.phase()).as(status.conditions().toString()).isEqualTo(Phase.Succeeded);
    assertThat(reason(status)).isEqualTo("Success");
    assertThat(status.artifact().uri()).isEqualTo("pvc://adapters/" + name);
    assertThat(status.attempts()).filteredOn(one -> "Success".equals(one.reason())).hasSize(1);
    Path adapter = FOLDER.resolve(CLAIM).resolve(name);
    assertThat(adapter.resolve("adapter_model.safetensors")).isNotEmptyFile();
    assertThat(
            client.resources(SafeFineTune.class).inNamespace(NAMESPACE).list().getItems().stream()
                .filter(run -> run.getStatus().artifact() != null)
                .filter(run -> status.artifact().uri().equals(run.getStatus().artifact().uri())))
        .hasSize(1);
    assertThat(FOLDER.resolve(CLAIM).toFile().list((folder, file) -> file.startsWith("." + name)))
        .as("nothing half-done is left")
        .isEmpty();
    return status;
  }

  private static void startNode() {
    String cache = System.getenv("DJL_CACHE_DIR");
    node =
        ChildProcess.start(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                NodeProgram.class.getName(),
                controlPlane.nodeKubeconfig().toString(),
                FOLDER.resolve("pods").toString(),
                controlPlane.certificate().toString(),
                controlPlane.certificateKey().toString(),
                REPOSITORY.trainer().toString(),
                cache == null ? FOLDER.resolve("djl-cache").toString() : cache),
            System.getenv(),
            FOLDER,
            FOLDER.resolve("node.log"),
            Duration.ofSeconds(10));
  }

  private static void apply(String name, int steps, String more) {
    client
        .resource(
            Serialization.unmarshal(
                """
                apiVersion: safegrad.io/v1alpha1
                kind: SafeFineTune
                metadata: {name: %s, namespace: %s}
                spec:
                  model: {source: "builtin://tiny-aligned"}
                  dataset: {source: "builtin://sentiment"}
                  training: {maxSteps: %d, maxLength: 64, learningRate: 1e-6, saveSteps: 1}
                  output: {destination: "pvc://adapters/%s"}
                """
                        .formatted(name, NAMESPACE, steps, name)
                    + more.indent(2),
                SafeFineTune.class))
        .create();
  }

  /** Waits until the trainer itself says that it is there; returns its pod. */
  private static Pod awaitStage(String run, Set<String> stages) {
    return await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                client
                    .pods()
                    .inNamespace(NAMESPACE)
                    .withLabel("job-name", run)
                    .list()
                    .getItems()
                    .stream()
                    .filter(pod -> stages.stream().anyMatch(stage -> isIn(pod, stage)))
                    .findFirst()
                    .orElse(null),
            pod -> pod != null);
  }

  private static boolean isIn(Pod pod, String stage) {
    return says(pod, "\"stage\":\"" + stage + "\"");
  }

  private static boolean says(Pod pod, String text) {
    if (pod.getStatus().getPodIP() == null) {
      return false;
    }
    URI address = URI.create("http://" + pod.getStatus().getPodIP() + ":9400/progress");
    try {
      return HttpClient.newHttpClient()
          .send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString())
          .body()
          .contains(text);
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static SafeFineTuneStatus awaitEnd(String name) {
    return await()
        .atMost(PATIENCE)
        .until(
            () ->
                client
                    .resources(SafeFineTune.class)
                    .inNamespace(NAMESPACE)
                    .withName(name)
                    .get()
                    .getStatus(),
            status -> status != null && status.phase() != null && status.phase().isTerminal());
  }

  private static String reason(SafeFineTuneStatus status) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals("Succeeded"))
        .findFirst()
        .orElseThrow()
        .getReason();
  }
}
