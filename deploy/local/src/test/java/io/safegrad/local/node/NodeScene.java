package io.safegrad.local.node;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.PodResource;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.ControlPlaneBinaries;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A real control plane with one node, whose only image is a shell; pods in one namespace. */
final class NodeScene implements AutoCloseable {

  static final String SHELL = "registry.test/shell:1";
  static final Duration SOON = Duration.ofSeconds(60);

  private final Path folder;
  private final ControlPlane controlPlane;
  private final KubernetesClient client;
  private final KubernetesClient nodeClient;

  /** Starts all but the node's agent: a test may have something to do before. */
  NodeScene(Path folder) throws IOException {
    this.folder = folder;
    controlPlane =
        ControlPlane.start(
            ControlPlaneBinaries.resolve(System.out::println),
            folder.resolve("cluster"),
            ControlPlane.Options.complete());
    client = clientOf(controlPlane.kubeconfig());
    nodeClient = clientOf(controlPlane.nodeKubeconfig());
  }

  /** To be closed before the scene. */
  NodeAgent startAgent() {
    return NodeAgent.start(
        nodeClient,
        ControlPlane.NODE_NAME,
        folder.resolve("pods"),
        Map.of(SHELL, new Image(List.of("bash", "-c"), Map.of("FROM_IMAGE", "yes"))),
        controlPlane.certificate(),
        controlPlane.certificateKey());
  }

  static PodBuilder pod(String name, String script) {
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

  void create(Pod pod) {
    client.resource(pod).create();
  }

  Job createJob(String name, String script) {
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

  void createClaim(String name, Path path) {
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

  void awaitJob(Job job, String condition) {
    await()
        .atMost(SOON)
        .until(
            () ->
                client.resource(job).get().getStatus().getConditions().stream()
                    .anyMatch(it -> it.getType().equals(condition)));
  }

  Pod podOf(Job job) {
    return client
        .pods()
        .inNamespace("default")
        .withLabel("job-name", job.getMetadata().getName())
        .list()
        .getItems()
        .get(0);
  }

  Pod awaitEnd(String name) {
    await().atMost(SOON).until(() -> List.of("Succeeded", "Failed").contains(phase(name)));
    return get(name);
  }

  PodResource resource(String name) {
    return client.pods().inNamespace("default").withName(name);
  }

  Pod get(String name) {
    return resource(name).get();
  }

  private String phase(String name) {
    return get(name).getStatus().getPhase();
  }

  boolean ready(String name) {
    return get(name).getStatus().getContainerStatuses().get(0).getReady();
  }

  boolean running(String name) {
    return phase(name).equals("Running");
  }

  Optional<ContainerState> waiting(String name) {
    return get(name).getStatus().getContainerStatuses().stream()
        .map(status -> status.getState())
        .filter(state -> state.getWaiting() != null)
        .findFirst();
  }

  /** Waits until a pod's container waits for that reason, and says what it is told with. */
  String awaitWaiting(String name, String reason) {
    await()
        .atMost(SOON)
        .until(
            () ->
                waiting(name)
                    .filter(state -> state.getWaiting().getReason().equals(reason))
                    .isPresent());
    return waiting(name).orElseThrow().getWaiting().getMessage();
  }

  static ContainerStateTerminated terminated(Pod pod) {
    return pod.getStatus().getContainerStatuses().get(0).getState().getTerminated();
  }

  /** Where the agent keeps what belongs to a pod. */
  Path folderOf(Pod pod) {
    return folder.resolve("pods").resolve(pod.getMetadata().getUid());
  }

  /** A client with a cluster administrator's rights. */
  KubernetesClient client() {
    return client;
  }

  ControlPlane controlPlane() {
    return controlPlane;
  }

  @Override
  public void close() {
    nodeClient.close();
    client.close();
    controlPlane.close();
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .build();
  }
}
