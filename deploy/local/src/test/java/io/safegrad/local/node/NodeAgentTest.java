package io.safegrad.local.node;

import static io.safegrad.local.node.NodeScene.SHELL;
import static io.safegrad.local.node.NodeScene.SOON;
import static io.safegrad.local.node.NodeScene.pod;
import static io.safegrad.local.node.NodeScene.terminated;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.safegrad.controlplane.ControlPlane;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pods and Jobs on a real control plane, from their start to whatever end. */
class NodeAgentTest {

  private static final int PROBED_PORT = 8099;

  @TempDir static Path folder;
  private static NodeScene scene;
  private static NodeAgent agent;

  @BeforeAll
  static void start() throws IOException {
    scene = new NodeScene(folder);
    createPodThatAnEarlierAgentRan();
    agent = scene.startAgent();
  }

  @AfterAll
  static void stop() {
    scene.create(pod("at-the-end", "sleep 4242.5").build());
    await().atMost(SOON).until(() -> scene.running("at-the-end"));
    assertThat(processes("4242.5")).isNotEmpty();
    agent.close();
    assertThat(processes("4242.5")).isEmpty();
    scene.close();
  }

  @Test
  void aJobRunsItsPodToTheEnd() {
    Job job =
        scene.createJob("succeeds", "echo hello; printf published > $SAFEGRAD_TERMINATION_LOG");
    scene.awaitJob(job, "Complete");
    Pod pod = scene.podOf(job);
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    assertThat(pod.getStatus().getPodIP()).startsWith("127.1.");
    ContainerStateTerminated end = terminated(pod);
    assertThat(end.getExitCode()).isZero();
    assertThat(end.getReason()).isEqualTo("Completed");
    assertThat(end.getMessage()).isEqualTo("published");
    assertThat(scene.client().pods().resource(pod).getLog()).isEqualTo("hello\n");
  }

  @Test
  void anExitCodeReachesTheJob() {
    Job job = scene.createJob("fails", "echo bad line 3 >&2; exit 65");
    scene.awaitJob(job, "Failed");
    Pod pod = scene.podOf(job);
    assertThat(pod.getStatus().getPhase()).isEqualTo("Failed");
    assertThat(terminated(pod).getExitCode()).isEqualTo(65);
    assertThat(terminated(pod).getReason()).isEqualTo("Error");
    assertThat(terminated(pod).getMessage()).isEqualTo("bad line 3\n");
  }

  @Test
  void aPodIsReadyOnceItsProbeIsAnswered() throws IOException {
    scene.create(
        pod("probed", "exec sleep 600")
            .editSpec()
            .editFirstContainer()
            .addNewPort()
            .withName("http")
            .withContainerPort(PROBED_PORT)
            .endPort()
            .withNewReadinessProbe()
            .withNewHttpGet()
            .withPath("/ready")
            .withPort(new IntOrString("http"))
            .endHttpGet()
            .endReadinessProbe()
            .endContainer()
            .endSpec()
            .build());
    await().atMost(SOON).until(() -> scene.running("probed"));
    assertThat(scene.ready("probed")).isFalse();
    String address = scene.get("probed").getStatus().getPodIP();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), PROBED_PORT), 0);
    server.createContext(
        "/ready",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    await().atMost(SOON).until(() -> scene.ready("probed"));
    server.stop(0);
    await().atMost(SOON).until(() -> !scene.ready("probed"));
    scene.resource("probed").withGracePeriod(0).delete();
  }

  @Test
  void aLogCanBeFollowedAndCut() throws IOException {
    Path go = folder.resolve("go");
    scene.create(
        pod(
                "talks",
                "echo one; echo two; until [ -e %s ]; do sleep 0.1; done; echo three".formatted(go))
            .build());
    var talks = scene.resource("talks");
    await().atMost(SOON).until(() -> scene.running("talks") && talks.getLog().contains("two"));
    assertThat(talks.tailingLines(1).getLog()).isEqualTo("two\n");
    ByteArrayOutputStream followed = new ByteArrayOutputStream();
    try (LogWatch watch = talks.watchLog(followed)) {
      await().atMost(SOON).until(() -> followed.toString(StandardCharsets.UTF_8).contains("two"));
      Files.createFile(go);
      await()
          .atMost(SOON)
          .until(() -> followed.toString(StandardCharsets.UTF_8).equals("one\ntwo\nthree\n"));
    }
  }

  @Test
  void theNodeShowsTheMachine() {
    var node = scene.client().nodes().withName(ControlPlane.NODE_NAME).get();
    assertThat(node.getStatus().getAllocatable().get("cpu").getAmount())
        .isEqualTo(Integer.toString(Runtime.getRuntime().availableProcessors()));
    assertThat(scene.client().leases().inNamespace("kube-node-lease").withName("local").get())
        .isNotNull();
  }

  @Test
  void aContainerThatFailsIsStartedAgainWhereItsPolicySaysSo() {
    Path marker = folder.resolve("second-time");
    scene.create(
        pod("again", "[ -e %s ] || { touch %s; exit 1; }".formatted(marker, marker))
            .editSpec()
            .withRestartPolicy("OnFailure")
            .endSpec()
            .build());
    Pod pod = scene.awaitEnd("again");
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    assertThat(pod.getStatus().getContainerStatuses().get(0).getRestartCount()).isEqualTo(1);
  }

  @Test
  void aProcessAboveItsMemoryLimitIsKilled() {
    scene.create(
        pod("greedy", "x=$(head -c 400000000 /dev/zero | tr '\\0' x); sleep 600")
            .editSpec()
            .editFirstContainer()
            .withNewResources()
            .addToLimits("memory", new Quantity("64Mi"))
            .endResources()
            .endContainer()
            .endSpec()
            .build());
    ContainerStateTerminated end = terminated(scene.awaitEnd("greedy"));
    assertThat(end.getReason()).isEqualTo("OOMKilled");
    assertThat(end.getExitCode()).isEqualTo(137);
  }

  @Test
  void aDeletedPodIsAskedToStop() {
    Path asked = folder.resolve("asked");
    scene.create(
        pod("listens", "trap 'echo yes > " + asked + "; exit' TERM; sleep 4242.1 & wait").build());
    await().atMost(SOON).until(() -> scene.running("listens") && !processes("4242.1").isEmpty());
    scene.resource("listens").delete();
    await().atMost(SOON).until(() -> scene.get("listens") == null);
    assertThat(asked).hasContent("yes");
    assertThat(processes("4242.1")).isEmpty();
  }

  @Test
  void aDeletedPodThatDoesNotListenIsKilled() {
    scene.create(pod("deaf", "trap '' TERM; sleep 4242.2 & wait; sleep 4242.2").build());
    await().atMost(SOON).until(() -> scene.running("deaf") && !processes("4242.2").isEmpty());
    scene.resource("deaf").withGracePeriod(1).delete();
    await().atMost(SOON).until(() -> scene.get("deaf") == null);
    assertThat(processes("4242.2")).isEmpty();
  }

  @Test
  void aPodWhoseProcessWentWithAnEarlierAgentHasFailed() {
    Pod pod = scene.awaitEnd("orphan");
    assertThat(pod.getStatus().getPhase()).isEqualTo("Failed");
    assertThat(terminated(pod).getReason()).isEqualTo("ContainerStatusUnknown");
    assertThat(terminated(pod).getExitCode()).isEqualTo(137);
  }

  /** A container ends once only: its end must not be lost with the request that tells it. */
  @Test
  void anEndWhileTheApiServerIsAwayIsToldAfterwards() throws IOException {
    Path end = folder.resolve("end-now");
    scene.create(
        pod(
                "unheard",
                "until test -e %1$s; do sleep 0.1; done; touch %1$s.seen; exit 65".formatted(end))
            .build());
    await().atMost(SOON).until(() -> scene.running("unheard"));
    scene.controlPlane().stopApiServer();
    Files.createFile(end);
    await().atMost(SOON).until(() -> Files.exists(Path.of(end + ".seen")));
    scene.controlPlane().startApiServer();
    assertThat(terminated(scene.awaitEnd("unheard")).getExitCode()).isEqualTo(65);
  }

  private static void createPodThatAnEarlierAgentRan() {
    Pod orphan =
        pod("orphan", "sleep 600")
            .editSpec()
            .withNodeName(ControlPlane.NODE_NAME)
            .endSpec()
            .build();
    scene.create(orphan);
    scene
        .client()
        .pods()
        .resource(orphan)
        .editStatus(
            pod ->
                new PodBuilder(pod)
                    .editStatus()
                    .withPhase("Running")
                    .withContainerStatuses(
                        new ContainerStatusBuilder()
                            .withName("main")
                            .withImage(SHELL)
                            .withImageID("")
                            .withReady(true)
                            .withRestartCount(0)
                            .withNewState()
                            .withNewRunning("2026-01-01T00:00:00Z")
                            .endState()
                            .build())
                    .endStatus()
                    .build());
  }

  /** Processes that have the text as an argument of their own. */
  private static List<ProcessHandle> processes(String argument) {
    return ProcessHandle.allProcesses()
        .filter(
            process ->
                process.info().arguments().map(List::of).orElse(List.of()).contains(argument))
        .toList();
  }
}
