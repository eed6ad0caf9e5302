package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** A pod's status as a pure function of what its containers do. */
final class PodStatuses {

  private PodStatuses() {}

  /**
   * The status of a pod whose containers are as given.
   *
   * @param address the pod's address
   * @param previous the status before, whose transition times stay where nothing has changed
   */
  static PodStatus of(
      Pod pod, String address, PodStatus previous, List<ContainerStatus> containers) {
    String phase = phase(containers);
    boolean ready = containers.stream().allMatch(ContainerStatus::getReady);
    boolean ended = phase.equals("Succeeded") || phase.equals("Failed");
    String reason =
        ready ? null : phase.equals("Succeeded") ? "PodCompleted" : "ContainersNotReady";
    return new PodStatusBuilder()
        .withPhase(phase)
        .withHostIP(NodeAgent.HOST_ADDRESS)
        .withPodIP(address)
        .addNewPodIP(address)
        .withStartTime(previous.getStartTime() == null ? now() : previous.getStartTime())
        .withObservedGeneration(pod.getMetadata().getGeneration())
        .withConditions(
            condition("PodReadyToStartContainers", !ended, null, previous),
            condition("Initialized", true, null, previous),
            condition("ContainersReady", ready, reason, previous),
            condition("Ready", ready, reason, previous))
        .withContainerStatuses(containers)
        .build();
  }

  /** The status of a pod that was running when an earlier node agent ended. */
  static PodStatus lost(Pod pod) {
    List<ContainerStatus> containers =
        pod.getSpec().getContainers().stream().map(PodStatuses::lost).toList();
    return new PodStatusBuilder()
        .withPhase("Failed")
        .withConditions(
            condition("ContainersReady", false, "PodFailed", pod.getStatus()),
            condition("Ready", false, "PodFailed", pod.getStatus()),
            // The node took the pod away, whatever its process did: a Job does not count that.
            condition("DisruptionTarget", true, "TerminationByKubelet", pod.getStatus()))
        .withContainerStatuses(containers)
        .build();
  }

  static String now() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static ContainerStatus lost(Container container) {
    return new ContainerStatusBuilder()
        .withName(container.getName())
        .withImage(container.getImage())
        .withImageID("")
        .withReady(false)
        .withStarted(false)
        .withRestartCount(0)
        .withNewState()
        .withNewTerminated()
        .withExitCode(137)
        .withReason("ContainerStatusUnknown")
        .withMessage("The container's process ended with the node agent that ran it")
        .withFinishedAt(now())
        .endTerminated()
        .endState()
        .build();
  }

  private static String phase(List<ContainerStatus> containers) {
    if (containers.stream().allMatch(status -> status.getState().getTerminated() != null)) {
      boolean failed =
          containers.stream()
              .anyMatch(status -> status.getState().getTerminated().getExitCode() != 0);
      return failed ? "Failed" : "Succeeded";
    }
    boolean neverStarted =
        containers.stream()
            .anyMatch(
                status -> status.getState().getWaiting() != null && status.getRestartCount() == 0);
    return neverStarted ? "Pending" : "Running";
  }

  private static PodCondition condition(
      String type, boolean holds, String reason, PodStatus previous) {
    String status = holds ? "True" : "False";
    return new PodConditionBuilder()
        .withType(type)
        .withStatus(status)
        .withReason(reason == null ? "" : reason)
        .withLastTransitionTime(
            previous.getConditions().stream()
                .filter(it -> it.getType().equals(type) && it.getStatus().equals(status))
                .map(PodCondition::getLastTransitionTime)
                .findFirst()
                .orElseGet(PodStatuses::now))
        .build();
  }
}
