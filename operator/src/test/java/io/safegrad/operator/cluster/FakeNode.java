package io.safegrad.operator.cluster;

import io.fabric8.kubernetes.api.model.BindingBuilder;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/**
 * Plays scheduler and kubelet: writes into a pod's status what they would write. No process runs;
 * the operator only ever sees the status.
 */
final class FakeNode {

  private final KubernetesClient client;
  private final Duration skew;

  FakeNode(KubernetesClient client) {
    this(client, Duration.ZERO);
  }

  /** A node whose clock is ahead of the others, or behind. */
  FakeNode(KubernetesClient client, Duration skew) {
    this.client = client;
    this.skew = skew;
  }

  /** Gives the pod a node: deleted from now on, it ends before it goes. */
  void takes(Pod pod) {
    client
        .resource(
            new BindingBuilder()
                .withNewMetadata()
                .withName(pod.getMetadata().getName())
                .withNamespace(pod.getMetadata().getNamespace())
                .endMetadata()
                .withNewTarget()
                .withKind("Node")
                .withName("fake")
                .endTarget()
                .build())
        .create();
  }

  /** The last a node does for a pod that was deleted. */
  void removes(Pod pod) {
    client.resource(pod).withGracePeriod(0).delete();
  }

  /** No node has room for the pod. */
  void cannotPlace(Pod pod, String message) {
    write(
        pod,
        "Pending",
        null,
        null,
        new PodConditionBuilder()
            .withType("PodScheduled")
            .withStatus("False")
            .withReason("Unschedulable")
            .withMessage(message)
            .build());
  }

  /** The container does not start, for example because of its image. */
  void cannotStart(Pod pod, String reason, String message) {
    write(
        pod,
        "Pending",
        null,
        new ContainerStateBuilder()
            .withNewWaiting()
            .withReason(reason)
            .withMessage(message)
            .endWaiting()
            .build(),
        scheduled());
  }

  /** The trainer's process runs and may be reached at the address. */
  void starts(Pod pod, String address) {
    write(
        pod,
        "Running",
        address,
        new ContainerStateBuilder().withNewRunning().withStartedAt(now()).endRunning().build(),
        scheduled());
  }

  /** The trainer's process ends. */
  void ends(Pod pod, int exitCode, String terminationMessage) {
    ends(pod, exitCode, exitCode == 0 ? "Completed" : "Error", terminationMessage);
  }

  /** The kernel kills the trainer's process at its memory limit. */
  void runsOutOfMemory(Pod pod) {
    ends(pod, 137, "OOMKilled", null);
  }

  private void ends(Pod pod, int exitCode, String reason, String terminationMessage) {
    write(
        pod,
        exitCode == 0 ? "Succeeded" : "Failed",
        null,
        new ContainerStateBuilder()
            .withNewTerminated()
            .withExitCode(exitCode)
            .withReason(reason)
            .withMessage(terminationMessage)
            .withStartedAt(now())
            .withFinishedAt(now())
            .endTerminated()
            .build(),
        scheduled());
  }

  private static PodCondition scheduled() {
    return new PodConditionBuilder().withType("PodScheduled").withStatus("True").build();
  }

  private String now() {
    return Instant.now().plus(skew).truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** An apply merges conditions by type: what the controllers noted stays. */
  private void write(
      Pod pod, String phase, String address, ContainerState state, PodCondition condition) {
    PodStatusBuilder status = new PodStatusBuilder().withPhase(phase).withConditions(condition);
    if (address != null) {
      status.withPodIP(address).addNewPodIP(address);
    }
    if (state != null) {
      status.withContainerStatuses(
          new ContainerStatusBuilder()
              .withName("trainer")
              .withImage("trainer")
              .withImageID("")
              .withReady(state.getRunning() != null)
              .withRestartCount(0)
              .withState(state)
              .build());
    }
    Pod change =
        new PodBuilder()
            .withNewMetadata()
            .withName(pod.getMetadata().getName())
            .withNamespace(pod.getMetadata().getNamespace())
            .endMetadata()
            .withStatus(status.build())
            .build();
    client
        .resource(change)
        .subresource("status")
        .patch(
            new PatchContext.Builder()
                .withPatchType(PatchType.SERVER_SIDE_APPLY)
                .withFieldManager("fake-node")
                .withForce(true)
                .build());
  }
}
