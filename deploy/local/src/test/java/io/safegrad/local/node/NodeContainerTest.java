package io.safegrad.local.node;

import static io.safegrad.local.node.NodeScene.SHELL;
import static io.safegrad.local.node.NodeScene.SOON;
import static io.safegrad.local.node.NodeScene.pod;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.authentication.SelfSubjectReview;
import io.fabric8.kubernetes.api.model.authentication.SelfSubjectReviewBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a container finds when it starts, and what it waits for before. */
class NodeContainerTest {

  @TempDir static Path folder;
  private static NodeScene scene;
  private static NodeAgent agent;

  @BeforeAll
  static void start() throws IOException {
    scene = new NodeScene(folder);
    agent = scene.startAgent();
  }

  @AfterAll
  static void stop() {
    agent.close();
    scene.close();
  }

  @Test
  void theProcessFindsWhatItsContainerDeclares() throws IOException {
    scene
        .client()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("plan")
                .withNamespace("default")
                .endMetadata()
                .addToData("plan.yaml", "run: x")
                .build())
        .create();
    scene
        .client()
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
    scene.createClaim("adapters", adapters);
    String script =
        "set -e; cat $PLAN; echo; echo $IP $NAME $TOKEN $FROM_IMAGE $REFERS;"
            + " cp $PLAN $WORK/copy; cp $WORK/copy $CLAIMS/adapters/out;"
            + " echo $0; test -z \"$KUBERNETES_SERVICE_HOST\"; test -d $HOME; cd $HOME";
    scene.create(
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
    Pod pod = scene.awaitEnd("files");
    String log = scene.client().pods().resource(pod).getLog();
    assertThat(pod.getStatus().getPhase()).as(log).isEqualTo("Succeeded");
    assertThat(log.lines())
        .startsWith("run: x", pod.getStatus().getPodIP() + " files s3cret yes to-files-$(NOBODY)")
        .last()
        .asString()
        .startsWith(folder.toString())
        .endsWith("/work/argument");
    assertThat(adapters.resolve("out")).hasContent("run: x");
    scene.client().pods().resource(pod).withGracePeriod(0).delete();
    Path files = scene.folderOf(pod);
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
    scene.create(
        pod("trusted", script).editSpec().withAutomountServiceAccountToken(true).endSpec().build());
    Pod pod = scene.awaitEnd("trusted");
    List<String> log = scene.client().pods().resource(pod).getLog().lines().toList();
    assertThat(pod.getStatus().getPhase()).isEqualTo("Succeeded");
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(log.get(0))
            .withOauthToken(log.get(1))
            .withCaCertFile(scene.controlPlane().certificate().toString())
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
    scene.client().resource(account).create();
    scene.create(
        pod("refused", "exit 0")
            .editSpec()
            .withServiceAccountName("leaves")
            .withAutomountServiceAccountToken(true)
            .addNewSchedulingGate("test")
            .endSpec()
            .build());
    scene.client().resource(account).delete();
    scene
        .resource("refused")
        .edit(it -> new PodBuilder(it).editSpec().withSchedulingGates().endSpec().build());
    await().atMost(SOON).until(() -> scene.waiting("refused").isPresent());
    await()
        .atMost(SOON)
        .until(
            () ->
                scene
                    .waiting("refused")
                    .filter(state -> state.getWaiting().getMessage() != null)
                    .filter(state -> state.getWaiting().getMessage().contains("leaves"))
                    .isPresent());
    scene.client().resource(account).create();
    assertThat(scene.awaitEnd("refused").getStatus().getPhase()).isEqualTo("Succeeded");
  }

  @Test
  void aMissingConfigMapIsWaitedFor() {
    scene.create(
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
    assertThat(scene.awaitWaiting("patient", "CreateContainerConfigError"))
        .isEqualTo("configmap \"late\" not found");
    scene
        .client()
        .resource(
            new ConfigMapBuilder()
                .withNewMetadata()
                .withName("late")
                .withNamespace("default")
                .endMetadata()
                .addToData("key", "value")
                .build())
        .create();
    assertThat(scene.awaitEnd("patient").getStatus().getPhase()).isEqualTo("Succeeded");
  }

  @Test
  void anImageWithoutAProgramKeepsThePodWaiting() {
    scene.create(
        pod("stranger", "true")
            .editSpec()
            .editFirstContainer()
            .withImage("registry.test/other:1")
            .endContainer()
            .endSpec()
            .build());
    assertThat(scene.awaitWaiting("stranger", "ErrImageNeverPull"))
        .contains("registry.test/other:1")
        .contains(SHELL);
  }
}
