package io.safegrad.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlPlaneTest {

  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static Path binaries;
  private static ControlPlane controlPlane;
  private static KubernetesClient client;

  @BeforeAll
  static void start() throws IOException {
    binaries = ControlPlaneBinaries.resolve(System.out::println);
    controlPlane = ControlPlane.start(binaries, folder, ControlPlane.Options.withoutScheduler());
    client = clientOf(controlPlane.kubeconfig());
    client
        .resource(new NamespaceBuilder().withNewMetadata().withName("team-a").endMetadata().build())
        .create();
    await().atMost(SOON).until(() -> accountExists());
  }

  @AfterAll
  static void stop() {
    client.close();
    controlPlane.close();
    // The shells that guard the processes end right after them.
    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(processesIn(folder)).isEmpty());
  }

  @Test
  void isTheVersionItSays() {
    assertThat(client.getKubernetesVersion().getGitVersion())
        .isEqualTo("v" + ControlPlaneBinaries.KUBERNETES_VERSION);
  }

  @Test
  void aJobGetsItsPod() {
    client
        .resource(
            new JobBuilder()
                .withNewMetadata()
                .withName("once")
                .withNamespace("team-a")
                .endMetadata()
                .withNewSpec()
                .withNewTemplate()
                .withNewSpec()
                .withRestartPolicy("Never")
                .addNewContainer()
                .withName("main")
                .withImage("none")
                .endContainer()
                .endSpec()
                .endTemplate()
                .endSpec()
                .build())
        .create();
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              List<Pod> pods =
                  client
                      .pods()
                      .inNamespace("team-a")
                      .withLabel("job-name", "once")
                      .list()
                      .getItems();
              assertThat(pods).hasSize(1);
              assertThat(pods.get(0).getStatus().getPhase()).isEqualTo("Pending");
            });
  }

  @Test
  void childrenGoWithTheirOwner() {
    ConfigMap owner = client.resource(configMap("owner").build()).create();
    client
        .resource(
            configMap("child")
                .editMetadata()
                .withOwnerReferences(
                    new OwnerReferenceBuilder()
                        .withApiVersion("v1")
                        .withKind("ConfigMap")
                        .withName("owner")
                        .withUid(owner.getMetadata().getUid())
                        .build())
                .endMetadata()
                .build())
        .create();
    client.resource(owner).delete();
    await()
        .atMost(SOON)
        .until(() -> client.configMaps().inNamespace("team-a").withName("child").get() == null);
  }

  @Test
  void theNodeMayDoWhatAKubeletMayDo() {
    try (KubernetesClient node = clientOf(controlPlane.nodeKubeconfig())) {
      assertThat(node.nodes().withName(ControlPlane.NODE_NAME).get()).isNull();
      assertThatThrownBy(() -> node.secrets().inNamespace("team-a").withName("any").get())
          .isInstanceOf(KubernetesClientException.class)
          .hasMessageContaining("forbidden");
    }
  }

  @Test
  void aFlagThatDoesNotExistIsReportedWithTheLogAndLeavesNothingRunning(@TempDir Path other) {
    ControlPlane.Options options =
        ControlPlane.Options.withoutScheduler().withApiServerFlags("--no-such-flag");
    assertThatThrownBy(() -> ControlPlane.start(binaries, other, options))
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("kube-apiserver did not become ready")
        .hasMessageContaining("unknown flag: --no-such-flag");
    assertThat(processesIn(other)).isEmpty();
  }

  private static boolean accountExists() {
    return client.serviceAccounts().inNamespace("team-a").withName("default").get() != null;
  }

  private static ConfigMapBuilder configMap(String name) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(name)
        .withNamespace("team-a")
        .endMetadata();
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .build();
  }

  /** Command lines of the processes whose working directory is the folder. */
  private static List<String> processesIn(Path folder) {
    File[] processes = new File("/proc").listFiles(file -> file.getName().matches("\\d+"));
    return List.of(processes).stream()
        .filter(process -> runsIn(process.toPath(), folder))
        .map(process -> process.getName())
        .toList();
  }

  private static boolean runsIn(Path process, Path folder) {
    try {
      return Files.readSymbolicLink(process.resolve("cwd")).equals(folder.toRealPath());
    } catch (IOException e) {
      return false;
    }
  }
}
