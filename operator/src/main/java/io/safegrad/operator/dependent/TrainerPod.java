package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.safegrad.api.v1alpha1.Pod;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Workspace;
import io.safegrad.operator.OperatorConfig;
import io.safegrad.operator.plan.DemandedSpec;
import io.safegrad.operator.plan.PlanResolver;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The trainer's pod. The tenant's data and model are not trusted: no API token, no capability, no
 * writable root, no root user; it passes the restricted pod security standard.
 */
public final class TrainerPod {

  /** The container whose exit code and termination message tell how a run ended. */
  public static final String CONTAINER = "trainer";

  /** Where the trainer answers {@code /progress}, {@code /metrics} and {@code /healthz}. */
  public static final int PORT = 9400;

  private static final String PLAN_FOLDER = "/etc/safegrad";
  private static final String WORKSPACE = "/workspace";
  private static final String WORKSPACE_VOLUME = "workspace";
  private static final String CLAIMS_FOLDER = "/pvc";
  private static final String CACHE = "/cache";
  private static final String SIGNING_KEY_VOLUME = "signing-key";
  private static final String SIGNING_KEY_FOLDER = "/etc/safegrad-signing";
  private static final String SIGNING_KEY = "signing.pem";
  private static final String TERMINATION_LOG = "/dev/termination-log";

  /** The user that images without any named user run as ("nonroot" of the distroless images). */
  private static final long USER = 65532L;

  private TrainerPod() {}

  static PodTemplateSpec of(SafeFineTune resource, OperatorConfig.Trainer trainer) {
    SafeFineTuneSpec spec = PlanResolver.demandedSpec(resource);
    Pod pod = spec.pod();
    List<Claim> claims = Claim.of(spec, PlanResolver.quarantine(resource));
    return new PodTemplateSpecBuilder()
        .withNewMetadata()
        .withLabels(Labels.of(resource))
        .endMetadata()
        .withNewSpec()
        .withRestartPolicy("Never")
        .withAutomountServiceAccountToken(false)
        .withEnableServiceLinks(false)
        .withTerminationGracePeriodSeconds(trainer.terminationGracePeriod().toSeconds())
        .withNodeSelector(pod.nodeSelector())
        .withTolerations(pod.tolerations())
        .withAffinity(pod.affinity())
        .withPriorityClassName(pod.priorityClassName())
        .withRuntimeClassName(pod.runtimeClassName())
        .withNewSecurityContext()
        .withRunAsNonRoot(true)
        .withRunAsUser(USER)
        .withRunAsGroup(USER)
        .withFsGroup(USER)
        .withFsGroupChangePolicy("OnRootMismatch")
        .withNewSeccompProfile()
        .withType("RuntimeDefault")
        .endSeccompProfile()
        .endSecurityContext()
        .addNewContainer()
        .withName(CONTAINER)
        .withImage(image(pod, trainer))
        .withArgs("run")
        .withEnv(environment(spec, trainer))
        .withResources(pod.resources())
        .addNewPort()
        .withName("http")
        .withContainerPort(PORT)
        .endPort()
        .withTerminationMessagePath(TERMINATION_LOG)
        .withTerminationMessagePolicy("File")
        .withNewSecurityContext()
        .withAllowPrivilegeEscalation(false)
        .withReadOnlyRootFilesystem(true)
        .withNewCapabilities()
        .withDrop("ALL")
        .endCapabilities()
        .endSecurityContext()
        .withVolumeMounts(mounts(claims, trainer))
        .endContainer()
        .withVolumes(volumes(resource, claims, trainer))
        .endSpec()
        .build();
  }

  private static List<EnvVar> environment(SafeFineTuneSpec spec, OperatorConfig.Trainer trainer) {
    List<EnvVar> variables = new ArrayList<>();
    variables.add(variable("SAFEGRAD_PLAN", PLAN_FOLDER + "/" + PlanConfigMap.KEY));
    variables.add(variable("SAFEGRAD_TERMINATION_LOG", TERMINATION_LOG));
    variables.add(variable("SAFEGRAD_WORKSPACE", WORKSPACE));
    variables.add(variable("SAFEGRAD_VOLUMES", CLAIMS_FOLDER));
    variables.add(variable("SAFEGRAD_PORT", Integer.toString(PORT)));
    // No grace at all is the shortest that there is: the kill comes before any answer.
    long grace = Math.max(1, trainer.terminationGracePeriod().toSeconds());
    variables.add(variable("SAFEGRAD_GRACE_SECONDS", Long.toString(grace)));
    if (!trainer.approvalTimeout().isZero()) {
      variables.add(
          variable(
              "SAFEGRAD_APPROVAL_SECONDS", Long.toString(trainer.approvalTimeout().toSeconds())));
    }
    variables.add(
        new EnvVarBuilder()
            .withName("SAFEGRAD_ADDRESS")
            .withNewValueFrom()
            .withNewFieldRef()
            .withFieldPath("status.podIP")
            .endFieldRef()
            .endValueFrom()
            .build());
    trainer
        .hubEndpoint()
        .ifPresent(endpoint -> variables.add(variable("HF_ENDPOINT", endpoint.toString())));
    trainer
        .s3Endpoint()
        .ifPresent(endpoint -> variables.add(variable("AWS_ENDPOINT_URL_S3", endpoint.toString())));
    trainer.s3Region().ifPresent(region -> variables.add(variable("AWS_REGION", region)));
    trainer.cacheClaim().ifPresent(claim -> variables.add(variable("SAFEGRAD_CACHE", CACHE)));
    trainer
        .signingKeySecret()
        .ifPresent(
            secret ->
                variables.add(
                    variable("SAFEGRAD_SIGNING_KEY_FILE", SIGNING_KEY_FOLDER + "/" + SIGNING_KEY)));
    variables.addAll(SecretVariables.of(spec));
    String devices = devices(spec.pod().resources());
    if (!devices.isEmpty()) {
      variables.add(variable("SAFEGRAD_DEVICES", devices));
    }
    return variables;
  }

  /** The run's own choice, or the platform's for what its pod is promised. */
  private static String image(Pod pod, OperatorConfig.Trainer trainer) {
    if (pod.image() != null) {
      return pod.image();
    }
    return devices(pod.resources()).isEmpty()
        ? trainer.image()
        : trainer.gpuImage().orElse(trainer.image());
  }

  /** What the trainer is promised of GPUs and the like, so that one that cannot use it says so. */
  private static String devices(ResourceRequirements resources) {
    return resources == null || resources.getLimits() == null
        ? ""
        : resources.getLimits().entrySet().stream()
            .filter(limit -> DemandedSpec.isDevice(limit.getKey()))
            .filter(limit -> limit.getValue().getNumericalAmount().signum() > 0)
            .map(limit -> limit.getKey() + ": " + limit.getValue())
            .sorted()
            .collect(Collectors.joining(", "));
  }

  private static EnvVar variable(String name, String value) {
    return new EnvVarBuilder().withName(name).withValue(value).build();
  }

  private static List<Volume> volumes(
      SafeFineTune resource, List<Claim> claims, OperatorConfig.Trainer trainer) {
    List<Volume> volumes = new ArrayList<>();
    volumes.add(
        new VolumeBuilder()
            .withName("plan")
            .withNewConfigMap()
            .withName(PlanConfigMap.name(resource))
            .endConfigMap()
            .build());
    volumes.add(workspace(resource.getSpec().pod().workspace()));
    volumes.add(emptyDirectory("tmp"));
    trainer
        .cacheClaim()
        .ifPresent(
            claim ->
                volumes.add(
                    new VolumeBuilder()
                        .withName("cache")
                        .withNewPersistentVolumeClaim(claim, false)
                        .build()));
    trainer.signingKeySecret().ifPresent(secret -> volumes.add(signingKey(secret)));
    for (Claim claim : claims) {
      volumes.add(
          new VolumeBuilder()
              .withName(claim.volume())
              .withNewPersistentVolumeClaim(claim.name(), claim.readOnly())
              .build());
    }
    return volumes;
  }

  private static Volume workspace(Workspace workspace) {
    if (workspace == null || workspace.size() == null) {
      return emptyDirectory(WORKSPACE_VOLUME);
    }
    VolumeBuilder volume = new VolumeBuilder().withName(WORKSPACE_VOLUME);
    if (workspace.storageClassName() == null) {
      return volume.withNewEmptyDir().withSizeLimit(workspace.size()).endEmptyDir().build();
    }
    return volume
        .withNewEphemeral()
        .withNewVolumeClaimTemplate()
        .withNewSpec()
        .withAccessModes("ReadWriteOnce")
        .withStorageClassName(workspace.storageClassName())
        .withNewResources()
        .addToRequests("storage", workspace.size())
        .endResources()
        .endSpec()
        .endVolumeClaimTemplate()
        .endEphemeral()
        .build();
  }

  /** Optional, so that a run without it ends at once, by a message that names it. */
  private static Volume signingKey(String secret) {
    return new VolumeBuilder()
        .withName(SIGNING_KEY_VOLUME)
        .withNewSecret()
        .withSecretName(secret)
        .withOptional(true)
        .addNewItem()
        .withKey(SIGNING_KEY)
        .withPath(SIGNING_KEY)
        .endItem()
        .endSecret()
        .build();
  }

  private static Volume emptyDirectory(String name) {
    return new VolumeBuilder().withName(name).withNewEmptyDir().endEmptyDir().build();
  }

  private static List<VolumeMount> mounts(List<Claim> claims, OperatorConfig.Trainer trainer) {
    List<VolumeMount> mounts = new ArrayList<>();
    mounts.add(mount("plan", PLAN_FOLDER, true));
    mounts.add(mount(WORKSPACE_VOLUME, WORKSPACE, false));
    mounts.add(mount("tmp", "/tmp", false));
    trainer.cacheClaim().ifPresent(claim -> mounts.add(mount("cache", CACHE, false)));
    trainer
        .signingKeySecret()
        .ifPresent(secret -> mounts.add(mount(SIGNING_KEY_VOLUME, SIGNING_KEY_FOLDER, true)));
    for (Claim claim : claims) {
      mounts.add(mount(claim.volume(), CLAIMS_FOLDER + "/" + claim.name(), claim.readOnly()));
    }
    return mounts;
  }

  private static VolumeMount mount(String volume, String path, boolean readOnly) {
    return new VolumeMountBuilder()
        .withName(volume)
        .withMountPath(path)
        .withReadOnly(readOnly)
        .build();
  }
}
