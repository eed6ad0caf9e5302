package io.safegrad.operator.dependent;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimSpec;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SecretKeySelector;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.Examples;
import io.safegrad.operator.OperatorConfig;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainerJobTest {

  @Test
  void thePodHasNoRightsItDoesNotNeed() {
    PodSpec pod = pod();
    assertThat(pod.getAutomountServiceAccountToken()).isFalse();
    assertThat(pod.getServiceAccountName()).isNull();
    assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
    assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
    assertThat(trainer(pod).getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
    assertThat(trainer(pod).getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
    assertThat(trainer(pod).getSecurityContext().getCapabilities().getDrop())
        .containsExactly("ALL");
  }

  @Test
  void theTrainerGetsItsPathsFromTheEnvironment() {
    Container trainer = trainer(pod());
    assertThat(trainer.getArgs()).containsExactly("run");
    assertThat(trainer.getTerminationMessagePolicy()).isEqualTo("File");
    assertThat(trainer.getEnv())
        .filteredOn(variable -> variable.getValue() != null)
        .extracting(EnvVar::getName, EnvVar::getValue)
        .extracting(Object::toString)
        .containsExactly(
            "(\"SAFEGRAD_PLAN\", \"/etc/safegrad/plan.yaml\")",
            "(\"SAFEGRAD_TERMINATION_LOG\", \"/dev/termination-log\")",
            "(\"SAFEGRAD_WORKSPACE\", \"/workspace\")",
            "(\"SAFEGRAD_VOLUMES\", \"/pvc\")",
            "(\"SAFEGRAD_PORT\", \"9400\")",
            "(\"SAFEGRAD_GRACE_SECONDS\", \"60\")",
            "(\"SAFEGRAD_APPROVAL_SECONDS\", \"1800\")");
    assertThat(trainer.getEnv())
        .filteredOn(variable -> variable.getName().equals("SAFEGRAD_ADDRESS"))
        .allSatisfy(
            variable ->
                assertThat(variable.getValueFrom().getFieldRef().getFieldPath())
                    .isEqualTo("status.podIP"))
        .hasSize(1);
  }

  @Test
  void theHubsTokenComesFromItsSecretAndIsNowhereElse() {
    SafeFineTune resource =
        Manifest.read(
            """
            apiVersion: safegrad.io/v1alpha1
            kind: SafeFineTune
            metadata: {name: support-bot, namespace: team-a}
            spec:
              model: {source: "hf://org/name", secretRef: {name: hub}}
              dataset: {source: "hf://datasets/org/data/train.jsonl"}
              output: {destination: "pvc://adapters/support-bot"}
            """);
    PodSpec pod = TrainerJob.of(resource, Examples.TRAINER).getSpec().getTemplate().getSpec();

    assertThat(trainer(pod).getEnv())
        .filteredOn(variable -> variable.getName().equals("HF_TOKEN"))
        .singleElement()
        .satisfies(
            variable -> {
              assertThat(variable.getValue()).isNull();
              assertThat(variable.getValueFrom().getSecretKeyRef())
                  .isEqualTo(new SecretKeySelector("token", "hub", false));
            });
    assertThat(pod.getVolumes())
        .extracting(Volume::getName)
        .containsExactly("plan", "workspace", "tmp", "claim-0");
    assertThat(trainer(pod()).getEnv())
        .extracting(EnvVar::getName)
        .doesNotContain("HF_TOKEN", "HF_ENDPOINT");
  }

  @Test
  void thePlatformsImageFitsWhatThePodIsPromised() {
    String cpu = "ghcr.io/safegrad/trainer:0.1.0";
    assertThat(image("", Examples.TRAINER)).isEqualTo(cpu);
    String gpu = "pod: {resources: {limits: {cpu: 4, nvidia.com/gpu: 1}}}";
    assertThat(image(gpu, Examples.TRAINER)).isEqualTo(cpu + "-cu128");
    assertThat(image("pod: {resources: {limits: {cpu: 4}}}", Examples.TRAINER)).isEqualTo(cpu);
    assertThat(
            image(
                "pod: {image: mine.example/trainer, resources: {limits: {nvidia.com/gpu: 1}}}",
                Examples.TRAINER))
        .isEqualTo("mine.example/trainer");
  }

  private static String image(String spec, OperatorConfig.Trainer platform) {
    return trainer(
            TrainerJob.of(Examples.resource(spec), platform).getSpec().getTemplate().getSpec())
        .getImage();
  }

  @Test
  void aTrainerIsToldWhichDevicesItWasPromised() {
    SafeFineTune resource =
        Examples.resource(
            "pod: {resources: {limits: {cpu: 4, nvidia.com/gpu: 2, amd.com/gpu: 0}}}");
    PodSpec pod = TrainerJob.of(resource, Examples.TRAINER).getSpec().getTemplate().getSpec();
    assertThat(trainer(pod).getEnv())
        .contains(new EnvVar("SAFEGRAD_DEVICES", "nvidia.com/gpu: 2", null));
    assertThat(trainer(pod()).getEnv())
        .extracting(EnvVar::getName)
        .doesNotContain("SAFEGRAD_DEVICES");
  }

  @Test
  void eachClaimIsMountedOnceAndWritableOnlyWhereResultsGo() {
    PodSpec pod =
        TrainerJob.of(
                Examples.resource(
                    "safety: {alignment: {source: \"pvc://team-data/a.jsonl\"}, evaluation: {task:"
                        + " \"pvc://adapters/task.jsonl\"}}"),
                Examples.TRAINER)
            .getSpec()
            .getTemplate()
            .getSpec();
    assertThat(trainer(pod).getVolumeMounts())
        .extracting(VolumeMount::getMountPath, VolumeMount::getReadOnly)
        .extracting(Object::toString)
        .containsExactly(
            "(\"/etc/safegrad\", true)",
            "(\"/workspace\", false)",
            "(\"/tmp\", false)",
            "(\"/pvc/adapters\", false)",
            "(\"/pvc/models\", true)",
            "(\"/pvc/team-data\", true)");
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getPersistentVolumeClaim() != null)
        .extracting(Volume::getName)
        .containsExactly("claim-0", "claim-1", "claim-2");
  }

  @Test
  void whatThePlatformAndTheUserAskForIsInThePod() {
    PodSpec pod =
        TrainerJob.of(
                Examples.resource(
                    "pod: {image: mine, resources: {limits: {amd.com/gpu: 2}}, nodeSelector:"
                        + " {gpu: h200}, tolerations: [{key: gpu, operator: Exists}], affinity:"
                        + " {podAntiAffinity: {}},"
                        + " priorityClassName: low, runtimeClassName: nvidia}"),
                Examples.TRAINER)
            .getSpec()
            .getTemplate()
            .getSpec();
    assertThat(trainer(pod).getImage()).isEqualTo("mine");
    assertThat(trainer(pod).getResources().getLimits())
        .as("any name of a GPU resource")
        .containsEntry("amd.com/gpu", new Quantity("2"));
    assertThat(pod.getAffinity().getPodAntiAffinity()).isNotNull();
    assertThat(pod.getNodeSelector()).containsEntry("gpu", "h200");
    assertThat(pod.getTolerations()).hasSize(1);
    assertThat(pod.getPriorityClassName()).isEqualTo("low");
    assertThat(pod.getRuntimeClassName()).isEqualTo("nvidia");
    assertThat(trainer(pod()).getImage()).isEqualTo("ghcr.io/safegrad/trainer:0.1.0");
  }

  @Test
  void thePlatformSaysWhichS3AndWhichCacheThereIs() {
    OperatorConfig.Trainer trainer =
        new Platform(
            "image",
            Optional.empty(),
            3,
            Optional.empty(),
            Optional.of(URI.create("http://minio.storage:9000")),
            Optional.of("eu"),
            Optional.of("downloads"),
            Optional.of("signer"),
            Duration.ofMinutes(5),
            Duration.ofSeconds(90));
    PodSpec pod = TrainerJob.of(Examples.resource(), trainer).getSpec().getTemplate().getSpec();

    assertThat(trainer(pod).getEnv())
        .contains(
            new EnvVar("AWS_ENDPOINT_URL_S3", "http://minio.storage:9000", null),
            new EnvVar("AWS_REGION", "eu", null),
            new EnvVar("SAFEGRAD_GRACE_SECONDS", "90", null),
            new EnvVar("SAFEGRAD_APPROVAL_SECONDS", "300", null),
            new EnvVar("SAFEGRAD_CACHE", "/cache", null),
            new EnvVar("SAFEGRAD_SIGNING_KEY_FILE", "/etc/safegrad-signing/signing.pem", null));
    assertThat(trainer(pod).getVolumeMounts())
        .filteredOn(mount -> mount.getName().equals("signing-key"))
        .singleElement()
        .satisfies(mount -> assertThat(mount.getReadOnly()).isTrue());
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getName().equals("signing-key"))
        .singleElement()
        .satisfies(
            volume -> {
              assertThat(volume.getSecret().getSecretName()).isEqualTo("signer");
              assertThat(volume.getSecret().getItems())
                  .extracting(item -> item.getKey())
                  .containsExactly("signing.pem");
            });
    assertThat(trainer(pod).getVolumeMounts())
        .filteredOn(mount -> mount.getName().equals("cache"))
        .singleElement()
        .satisfies(mount -> assertThat(mount.getMountPath()).isEqualTo("/cache"));
    assertThat(pod.getVolumes())
        .filteredOn(volume -> volume.getName().equals("cache"))
        .singleElement()
        .satisfies(
            volume ->
                assertThat(volume.getPersistentVolumeClaim().getClaimName())
                    .isEqualTo("downloads"));
  }

  @Test
  void theWorkspaceIsTheNodesDiskWithALimitOrAVolumeOfItsOwn() {
    assertThat(workspace("pod: {}").getEmptyDir().getSizeLimit()).isNull();
    assertThat(workspace("pod: {workspace: {size: 50Gi}}").getEmptyDir().getSizeLimit())
        .isEqualTo(new Quantity("50Gi"));
    Volume claimed = workspace("pod: {workspace: {size: 50Gi, storageClassName: fast}}");
    assertThat(claimed.getEmptyDir()).isNull();
    PersistentVolumeClaimSpec claim = claimed.getEphemeral().getVolumeClaimTemplate().getSpec();
    assertThat(claim.getStorageClassName()).isEqualTo("fast");
    assertThat(claim.getAccessModes()).containsExactly("ReadWriteOnce");
    assertThat(claim.getResources().getRequests()).containsEntry("storage", new Quantity("50Gi"));
  }

  @Test
  void aQueueIsTheFieldsOrTheLabelsAndHoldsTheJob() {
    SafeFineTune resource = Examples.resource();
    assertThat(TrainerJob.of(resource, Examples.TRAINER).getSpec().getSuspend()).isFalse();
    resource.getMetadata().setLabels(Map.of("kueue.x-k8s.io/queue-name", "of-label"));
    assertThat(queueOf(resource)).isEqualTo("of-label");
    SafeFineTune both = Examples.resource("queueName: of-field");
    both.getMetadata().setLabels(resource.getMetadata().getLabels());
    assertThat(queueOf(both)).isEqualTo("of-field");
    assertThat(TrainerJob.of(both, Examples.TRAINER).getSpec().getSuspend())
        .as("no pod starts before the queue has let it")
        .isTrue();
  }

  private static String queueOf(SafeFineTune resource) {
    return TrainerJob.of(resource, Examples.TRAINER)
        .getMetadata()
        .getLabels()
        .get("kueue.x-k8s.io/queue-name");
  }

  private static Volume workspace(String podLine) {
    return TrainerJob.of(Examples.resource(podLine), Examples.TRAINER)
        .getSpec()
        .getTemplate()
        .getSpec()
        .getVolumes()
        .stream()
        .filter(volume -> volume.getName().equals("workspace"))
        .findFirst()
        .orElseThrow();
  }

  private record Platform(
      String image,
      Optional<String> gpuImage,
      int backoffLimit,
      Optional<URI> hubEndpoint,
      Optional<URI> s3Endpoint,
      Optional<String> s3Region,
      Optional<String> cacheClaim,
      Optional<String> signingKeySecret,
      Duration approvalTimeout,
      Duration terminationGracePeriod)
      implements OperatorConfig.Trainer {}

  private static PodSpec pod() {
    return TrainerJob.of(Examples.resource(), Examples.TRAINER).getSpec().getTemplate().getSpec();
  }

  private static Container trainer(PodSpec pod) {
    assertThat(pod.getContainers()).hasSize(1);
    return pod.getContainers().get(0);
  }
}
