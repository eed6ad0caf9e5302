package io.safegrad.local.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.authentication.SelfSubjectReview;
import io.fabric8.kubernetes.api.model.authentication.SelfSubjectReviewBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.ControlPlaneBinaries;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real pods and Jobs on a real control plane; the image is a shell. */
class NodeAgentTest {

  private static final String SHELL = "registry.test/shell:1";
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int PROBED_PORT = 8099;

  @TempDir static Path folder;
  private static ControlPlane controlPlane;
  private static KubernetesClient client;
  private static KubernetesClient nodeClient;
  private static NodeAgent agent;

  @BeforeAll
  static void start() throws IOException {
    controlPlane =
        ControlPlane.start(
            ControlPlaneBinaries.resolve(System.out::println),
            folder.resolve("cluster"),
            ControlPlane.Options.complete());
    client = clientOf(controlPlane.kubeconfig());
    nodeClient = clientOf(controlPlane.nodeKubeconfig());
    createPodThatAnEarlierAgentRan();
    agent =
        NodeAgent.start(
            nodeClient,
            ControlPlane.NODE_NAME,
            folder.resolve("pods"),
            Map.of(SHELL, new Image(List.of("bash", "-c"), Map.of("FROM_IMAGE", "yes"))),
            controlPlane.certificate(),
            controlPlane.certificateKey());
  }

  @AfterAll
  static void stop() {
    create(pod("at-the-end", "sleep 4242.5").build());
    await().atMost(SOON).until(() -> running("at-the-end"));
    assertThat(processes("4242.5")).isNotEmpty();
    agent.close();
    assertThat(processes("4242.5")).isEmpty();
    nodeClient.close();
    client.close();
    controlPlane.close();
  }

  @Test
  void aJobRunsItsPodToTheEnd() {
    Job job = createJob("succeeds", "echo hello; printf published > $SAFEGRAD_TERMINATION_LOG");
    awaitJob(job, "Complete");
    Pod pod = podOf(job);
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    assertThat(pod.getStatus().getPodIP()).startsWith("127.1.");
    ContainerStateTerminated end = terminated(pod);
    assertThat(end.getExitCode()).isZero();
    assertThat(end.getReason()).isEqualTo("Completed");
    assertThat(end.getMessage()).isEqualTo("published");
    assertThat(client.pods().resource(pod).getLog()).isEqualTo("hello\n");
  }

  @Test
  void anExitCodeReachesTheJob() {
    Job job = createJob("fails", "echo bad line 3 >&2; exit 65");
    awaitJob(job, "Failed");
    Pod pod = podOf(job);
    assertThat(pod.getStatus().getPhase()).isEqualTo("Failed");
    assertThat(terminated(pod).getExitCode()).isEqualTo(65);
    assertThat(terminated(pod).getReason()).isEqualTo("Error");
    assertThat(terminated(pod).getMessage()).isEqualTo("bad line 3\n");
  }

  @Test
  void theProcessFindsWhatItsContainerDeclares() throws IOException {
    client
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("plan")
                .withNamespace("default")
                .endMetadata()
                .addToData("plan.yaml", "run: x")
                .build())
        .create();
    client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withName("token")
                .withNamespace("default")
                .endMetadata()
                .addToStringData("value", "s3cret")
                .build())
        .create();
    Path adapters = Files.createDirectory(folder.resolve("adapters"));
    createClaim("adapters", adapters);
    String script =
        "set -e; cat $PLAN; echo; echo $IP $NAME $TOKEN $FROM_IMAGE $REFERS;"
            + " cp $PLAN $WORK/copy; cp $WORK/copy $CLAIMS/adapters/out;"
            + " echo $0; test -z \"$KUBERNETES_SERVICE_HOST\"; test -d $HOME; cd $HOME";
    create(
        pod("files", script)
            .editSpec()
            .editFirstContainer()
            .addNewEnv()
            .withName("PLAN")
            .withValue("/etc/plan/plan.yaml")
            .endEnv()
            .addNewEnv()
            .withName("WORK")
            .withValue("/work")
            .endEnv()
            .addNewEnv()
            .withName("CLAIMS")
            .withValue("/pvc")
            .endEnv()
            .addNewEnv()
            .withName("IP")
            .withNewValueFrom()
            .withNewFieldRef("v1", "status.podIP")
            .endValueFrom()
            .endEnv()
            .addNewEnv()
            .withName("NAME")
            .withNewValueFrom()
            .withNewFieldRef("v1", "metadata.name")
            .endValueFrom()
            .endEnv()
            .addNewEnv()
            .withName("TOKEN")
            .withNewValueFrom()
            .withNewSecretKeyRef("value", "token", false)
            .endValueFrom()
            .endEnv()
            .addNewEnv()
            .withName("REFERS")
            .withValue("to-$(NAME)-$(NOBODY)")
            .endEnv()
            .addNewVolumeMount()
            .withName("plan")
            .withMountPath("/etc/plan")
            .endVolumeMount()
            .addNewVolumeMount()
            .withName("work")
            .withMountPath("/work")
            .endVolumeMount()
            .addNewVolumeMount()
            .withName("adapters")
            .withMountPath("/pvc/adapters")
            .endVolumeMount()
            .addToArgs("/work/argument")
            .endContainer()
            .addNewVolume()
            .withName("plan")
            .withNewConfigMap()
            .withName("plan")
            .endConfigMap()
            .endVolume()
            .addNewVolume()
            .withName("work")
            .withNewEmptyDir()
            .endEmptyDir()
            .endVolume()
            .addNewVolume()
            .withName("adapters")
            .withNewPersistentVolumeClaim("adapters", false)
            .endVolume()
            .endSpec()
            .build());
    Pod pod = awaitEnd("files");
    String log = client.pods().resource(pod).getLog();
    assertThat(pod.getStatus().getPhase()).as(log).isEqualTo("Succeeded");
    assertThat(log.lines())
        .startsWith("run: x", pod.getStatus().getPodIP() + " files s3cret yes to-files-$(NOBODY)")
        .last()
        .asString()
        .startsWith(folder.toString())
        .endsWith("/work/argument");
    assertThat(adapters.resolve("out")).hasContent("run: x");
    client.pods().resource(pod).withGracePeriod(0).delete();
    Path files = folder.resolve("pods").resolve(pod.getMetadata().getUid());
    await().atMost(SOON).until(() -> Files.notExists(files));
    assertThat(adapters.resolve("out")).hasContent("run: x");
  }

  /** The operator's pod asks the API server like this. */
  @Test
  void aPodsTokenIsThatOfItsServiceAccount() {
    String script =
        "set -e; test -s $KUBERNETES_CERTS_CA_FILE;"
            + " echo https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/;"
            + " cat $KUBERNETES_AUTH_SERVICEACCOUNT_TOKEN";
    create(
        pod("trusted", script).editSpec().withAutomountServiceAccountToken(true).endSpec().build());
    Pod pod = awaitEnd("trusted");
    List<String> log = client.pods().resource(pod).getLog().lines().toList();
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(log.get(0))
            .withOauthToken(log.get(1))
            .withCaCertFile(controlPlane.certificate().toString())
            .build();
    try (KubernetesClient asPod = new KubernetesClientBuilder().withConfig(config).build()) {
      SelfSubjectReview review = asPod.resource(new SelfSubjectReviewBuilder().build()).create();
      assertThat(review.getStatus().getUserInfo().getUsername())
          .isEqualTo("system:serviceaccount:default:default");
    }
  }

  @Test
  void aPodWaitsForWhatTheApiServerRefuses() {
    ServiceAccount account =
        new ServiceAccountBuilder()
            .withNewMetadata()
            .withName("leaves")
            .withNamespace("default")
            .endMetadata()
            .build();
    client.resource(account).create();
    create(
        pod("refused", "exit 0")
            .editSpec()
            .withServiceAccountName("leaves")
            .withAutomountServiceAccountToken(true)
            .addNewSchedulingGate("test")
            .endSpec()
            .build());
    client.resource(account).delete();
    client
        .pods()
        .inNamespace("default")
        .withName("refused")
        .edit(it -> new PodBuilder(it).editSpec().withSchedulingGates().endSpec().build());
    await().atMost(SOON).until(() -> waiting("refused").isPresent());
    await()
        .atMost(SOON)
        .until(
            () ->
                waiting("refused")
                    .filter(state -> state.getWaiting().getMessage() != null)
                    .filter(state -> state.getWaiting().getMessage().contains("leaves"))
                    .isPresent());
    client.resource(account).create();
    assertThat(awaitEnd("refused").getStatus().getPhase()).isEqualTo("Succeeded");
  }

  /** A container ends once only: its end must not be lost with the request that tells it. */
  @Test
  void anEndWhileTheApiServerIsAwayIsToldAfterwards() throws IOException {
    Path end = folder.resolve("end-now");
    create(
        pod(
                "unheard",
                "until test -e %1$s; do sleep 0.1; done; touch %1$s.seen; exit 65".formatted(end))
            .build());
    await().atMost(SOON).until(() -> running("unheard"));
    controlPlane.stopApiServer();
    Files.createFile(end);
    await().atMost(SOON).until(() -> Files.exists(Path.of(end + ".seen")));
    controlPlane.startApiServer();
    assertThat(terminated(awaitEnd("unheard")).getExitCode()).isEqualTo(65);
  }

  @Test
  void aPodIsReadyOnceItsProbeIsAnswered() throws IOException {
    create(
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
    await().atMost(SOON).until(() -> running("probed"));
    assertThat(ready("probed")).isFalse();
    String address = get("probed").getStatus().getPodIP();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), PROBED_PORT), 0);
    server.createContext(
        "/ready",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    await().atMost(SOON).until(() -> ready("probed"));
    server.stop(0);
    await().atMost(SOON).until(() -> !ready("probed"));
    client.pods().inNamespace("default").withName("probed").withGracePeriod(0).delete();
  }

  @Test
  void aProcessAboveItsMemoryLimitIsKilled() {
    create(
        pod("greedy", "x=$(head -c 400000000 /dev/zero | tr '\\0' x); sleep 600")
            .editSpec()
            .editFirstContainer()
            .withNewResources()
            .addToLimits("memory", new Quantity("64Mi"))
            .endResources()
            .endContainer()
            .endSpec()
            .build());
    ContainerStateTerminated end = terminated(awaitEnd("greedy"));
    assertThat(end.getReason()).isEqualTo("OOMKilled");
    assertThat(end.getExitCode()).isEqualTo(137);
  }

  @Test
  void aDeletedPodIsAskedToStop() {
    Path asked = folder.resolve("asked");
    create(
        pod("listens", "trap 'echo yes > " + asked + "; exit' TERM; sleep 4242.1 & wait").build());
    await().atMost(SOON).until(() -> running("listens") && !processes("4242.1").isEmpty());
    client.pods().inNamespace("default").withName("listens").delete();
    await().atMost(SOON).until(() -> get("listens") == null);
    assertThat(asked).hasContent("yes");
    assertThat(processes("4242.1")).isEmpty();
  }

  @Test
  void aDeletedPodThatDoesNotListenIsKilled() {
    create(pod("deaf", "trap '' TERM; sleep 4242.2 & wait; sleep 4242.2").build());
    await().atMost(SOON).until(() -> running("deaf") && !processes("4242.2").isEmpty());
    client.pods().inNamespace("default").withName("deaf").withGracePeriod(1).delete();
    await().atMost(SOON).until(() -> get("deaf") == null);
    assertThat(processes("4242.2")).isEmpty();
  }

  @Test
  void aContainerThatFailsIsStartedAgainWhereItsPolicySaysSo() {
    Path marker = folder.resolve("second-time");
    create(
        pod("again", "[ -e %s ] || { touch %s; exit 1; }".formatted(marker, marker))
            .editSpec()
            .withRestartPolicy("OnFailure")
            .endSpec()
            .build());
    Pod pod = awaitEnd("again");
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    assertThat(pod.getStatus().getContainerStatuses().get(0).getRestartCount()).isEqualTo(1);
  }

  @Test
  void anImageWithoutAProgramKeepsThePodWaiting() {
    create(
        pod("stranger", "true")
            .editSpec()
            .editFirstContainer()
            .withImage("registry.test/other:1")
            .endContainer()
            .endSpec()
            .build());
    await()
        .atMost(SOON)
        .until(
            () ->
                waiting("stranger")
                    .filter(it -> it.getWaiting().getReason().equals("ErrImageNeverPull"))
                    .isPresent());
    assertThat(waiting("stranger").orElseThrow().getWaiting().getMessage())
        .contains("registry.test/other:1")
        .contains(SHELL);
  }

  @Test
  void aMissingConfigMapIsWaitedFor() {
    create(
        pod("patient", "true")
            .editSpec()
            .editFirstContainer()
            .addNewEnv()
            .withName("LATE")
            .withNewValueFrom()
            .withNewConfigMapKeyRef("key", "late", false)
            .endValueFrom()
            .endEnv()
            .endContainer()
            .endSpec()
            .build());
    await()
        .atMost(SOON)
        .until(
            () ->
                waiting("patient")
                    .filter(it -> it.getWaiting().getReason().equals("CreateContainerConfigError"))
                    .isPresent());
    assertThat(waiting("patient").orElseThrow().getWaiting().getMessage())
        .isEqualTo("configmap \"late\" not found");
    client
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("late")
                .withNamespace("default")
                .endMetadata()
                .addToData("key", "value")
                .build())
        .create();
    assertThat(awaitEnd("patient").getStatus().getPhase()).isEqualTo("Succeeded");
  }

  @Test
  void aLogCanBeFollowedAndCut() throws IOException {
    Path go = folder.resolve("go");
    create(
        pod(
                "talks",
                "echo one; echo two; until [ -e %s ]; do sleep 0.1; done; echo three".formatted(go))
            .build());
    var talks = client.pods().inNamespace("default").withName("talks");
    await().atMost(SOON).until(() -> running("talks") && talks.getLog().contains("two"));
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
  void aPodWhoseProcessWentWithAnEarlierAgentHasFailed() {
    Pod pod = awaitEnd("orphan");
    assertThat(pod.getStatus().getPhase()).isEqualTo("Failed");
    assertThat(terminated(pod).getReason()).isEqualTo("ContainerStatusUnknown");
    assertThat(terminated(pod).getExitCode()).isEqualTo(137);
  }

  @Test
  void theNodeShowsTheMachine() {
    var node = client.nodes().withName(ControlPlane.NODE_NAME).get();
    assertThat(node.getStatus().getAllocatable().get("cpu").getAmount())
        .isEqualTo(Integer.toString(Runtime.getRuntime().availableProcessors()));
    assertThat(client.leases().inNamespace("kube-node-lease").withName("local").get()).isNotNull();
  }

  private static void createPodThatAnEarlierAgentRan() {
    Pod orphan =
        pod("orphan", "sleep 600")
            .editSpec()
            .withNodeName(ControlPlane.NODE_NAME)
            .endSpec()
            .build();
    create(orphan);
    client
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

  private static void createClaim(String name, Path path) {
    client
        .resource(
            new PersistentVolumeBuilder()
                .withNewMetadata()
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .withAccessModes("ReadWriteMany")
                .addToCapacity("storage", new Quantity("1Gi"))
                .withNewHostPath(path.toString(), "Directory")
                .endSpec()
                .build())
        .create();
    client
        .resource(
            new PersistentVolumeClaimBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace("default")
                .endMetadata()
                .withNewSpec()
                .withAccessModes("ReadWriteMany")
                .withStorageClassName("")
                .withNewResources()
                .addToRequests("storage", new Quantity("1Gi"))
                .endResources()
                .endSpec()
                .build())
        .create();
  }

  private static PodBuilder pod(String name, String script) {
    return new PodBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace("default")
        .endMetadata()
        .withNewSpec()
        .withRestartPolicy("Never")
        .withAutomountServiceAccountToken(false)
        .withContainers(
            new ContainerBuilder()
                .withName("main")
                .withImage(SHELL)
                .withArgs(script)
                .withTerminationMessagePolicy("FallbackToLogsOnError")
                .build())
        .endSpec();
  }

  private static void create(Pod pod) {
    client.resource(pod).create();
  }

  private static Job createJob(String name, String script) {
    return client
        .resource(
            new JobBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace("default")
                .endMetadata()
                .withNewSpec()
                .withBackoffLimit(0)
                .withNewTemplate()
                .withSpec(pod(name, script).buildSpec())
                .endTemplate()
                .endSpec()
                .build())
        .create();
  }

  private static void awaitJob(Job job, String condition) {
    await()
        .atMost(SOON)
        .until(
            () ->
                client.resource(job).get().getStatus().getConditions().stream()
                    .anyMatch(it -> it.getType().equals(condition)));
  }

  private static Pod podOf(Job job) {
    return client
        .pods()
        .inNamespace("default")
        .withLabel("job-name", job.getMetadata().getName())
        .list()
        .getItems()
        .get(0);
  }

  private static Pod awaitEnd(String name) {
    await().atMost(SOON).until(() -> List.of("Succeeded", "Failed").contains(phase(name)));
    return get(name);
  }

  private static Pod get(String name) {
    return client.pods().inNamespace("default").withName(name).get();
  }

  private static String phase(String name) {
    return get(name).getStatus().getPhase();
  }

  private static boolean ready(String name) {
    return get(name).getStatus().getContainerStatuses().get(0).getReady();
  }

  private static boolean running(String name) {
    return phase(name).equals("Running");
  }

  private static Optional<ContainerState> waiting(String name) {
    return get(name).getStatus().getContainerStatuses().stream()
        .map(status -> status.getState())
        .filter(state -> state.getWaiting() != null)
        .findFirst();
  }

  private static ContainerStateTerminated terminated(Pod pod) {
    return pod.getStatus().getContainerStatuses().get(0).getState().getTerminated();
  }

  /** Processes that have the text as an argument of their own. */
  private static List<ProcessHandle> processes(String argument) {
    return ProcessHandle.allProcesses()
        .filter(
            process ->
                process.info().arguments().map(List::of).orElse(List.of()).contains(argument))
        .toList();
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .build();
  }
}
