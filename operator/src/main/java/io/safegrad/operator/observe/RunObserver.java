package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateRunning;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobCondition;
import io.fabric8.kubernetes.api.model.batch.v1.JobStatus;
import io.safegrad.operator.dependent.Labels;
import io.safegrad.operator.dependent.RetryTable;
import io.safegrad.operator.dependent.TrainerPod;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.End;
import io.safegrad.operator.observe.RunObservation.Exit;
import io.safegrad.operator.observe.RunObservation.JobState;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Reads a Job and its pods into one {@link RunObservation}. */
public final class RunObserver {

  /** What every pod waits for while it starts. */
  private static final Set<String> ORDINARY = Set.of("ContainerCreating", "PodInitializing");

  private static final Set<String> ENDED = Set.of("Succeeded", "Failed");

  /** Times have whole seconds: a pod that lives is newer than one that ended in the same second. */
  private static final Comparator<Pod> NEWEST_FIRST =
      Comparator.comparing((Pod pod) -> podState(pod, false).stage() == PodStage.ENDED)
          .thenComparing(
              (Pod pod) -> pod.getMetadata().getCreationTimestamp(), Comparator.reverseOrder())
          .thenComparing(pod -> pod.getMetadata().getName());

  private RunObserver() {}

  /**
   * What the run looks like.
   *
   * @param job the run's Job, if there is one
   * @param candidates pods that may belong to the Job; others are left out
   * @param removed the same of pods that are gone, as they were last seen
   */
  public static RunObservation observe(
      Optional<Job> job, Collection<Pod> candidates, Collection<Pod> removed) {
    if (job.isEmpty()) {
      return RunObservation.NOTHING;
    }
    Map<String, PodState> states = new LinkedHashMap<>();
    Stream.concat(candidates.stream(), removed.stream())
        .filter(pod -> pod.hasOwnerReferenceFor(job.get()))
        .sorted(NEWEST_FIRST)
        .forEach(
            pod ->
                states.putIfAbsent(
                    pod.getMetadata().getUid(), podState(pod, !candidates.contains(pod))));
    return new RunObservation(jobState(job.get()), List.copyOf(states.values()));
  }

  private static JobState jobState(Job job) {
    Integer failed = job.getStatus() == null ? null : job.getStatus().getFailed();
    return new JobState(
        Boolean.TRUE.equals(job.getSpec().getSuspend()),
        queue(job),
        Objects.requireNonNullElse(failed, 0),
        conditions(job)
            .filter(condition -> "FailureTarget".equals(condition.getType()))
            .map(JobCondition::getReason)
            .findFirst()
            .orElse(null),
        end(job).orElse(null));
  }

  private static String queue(Job job) {
    return job.getMetadata().getLabels() == null
        ? null
        : job.getMetadata().getLabels().get(Labels.QUEUE);
  }

  /** How the Job ended; empty while it has not. */
  static Optional<End> end(Job job) {
    return conditions(job)
        .filter(condition -> Set.of("Complete", "Failed").contains(condition.getType()))
        .map(
            condition ->
                new End(
                    condition.getType().equals("Complete"),
                    condition.getReason(),
                    condition.getMessage(),
                    condition.getLastTransitionTime()))
        .findFirst();
  }

  private static Stream<JobCondition> conditions(Job job) {
    return Optional.ofNullable(job.getStatus()).map(JobStatus::getConditions).stream()
        .flatMap(List::stream)
        .filter(condition -> "True".equals(condition.getStatus()));
  }

  private static PodState podState(Pod pod, boolean removed) {
    Optional<ContainerState> state = trainer(pod).map(ContainerStatus::getState);
    Optional<ContainerStateTerminated> terminated = state.map(ContainerState::getTerminated);
    PodStage stage = stage(pod, state);
    return new PodState(
        pod.getMetadata().getName(),
        pod.getMetadata().getUid(),
        pod.getStatus() == null ? null : pod.getStatus().getPodIP(),
        removed ? PodStage.ENDED : stage,
        stage == PodStage.WAITING
            ? waiting(pod, state.map(ContainerState::getWaiting))
                .map(MissingReference::explained)
                .orElse(null)
            : null,
        state
            .map(ContainerState::getRunning)
            .map(ContainerStateRunning::getStartedAt)
            .or(() -> terminated.map(ContainerStateTerminated::getStartedAt))
            .orElse(null),
        terminated.map(ContainerStateTerminated::getFinishedAt).orElse(null),
        terminated.filter(end -> end.getExitCode() != null).map(RunObserver::exit).orElse(null),
        disruption(pod).orElse(null),
        removed);
  }

  /** Why the cluster, not the trainer, ended the pod. */
  private static Optional<Cause> disruption(Pod pod) {
    if (pod.getStatus() == null) {
      return Optional.empty();
    }
    return pod.getStatus().getConditions().stream()
        .filter(condition -> RetryTable.DISRUPTION.equals(condition.getType()))
        .filter(condition -> "True".equals(condition.getStatus()))
        .map(condition -> waiting(condition.getReason(), condition.getMessage()))
        .findFirst()
        .or(
            () ->
                Optional.ofNullable(pod.getStatus().getReason())
                    .map(reason -> waiting(reason, pod.getStatus().getMessage())));
  }

  private static PodStage stage(Pod pod, Optional<ContainerState> state) {
    if (state.map(ContainerState::getTerminated).isPresent()
        || (pod.getStatus() != null && ENDED.contains(pod.getStatus().getPhase()))) {
      return PodStage.ENDED;
    }
    return state.map(ContainerState::getRunning).isPresent() ? PodStage.RUNNING : PodStage.WAITING;
  }

  private static Optional<Cause> waiting(Pod pod, Optional<ContainerStateWaiting> state) {
    if (state.isPresent() && !ORDINARY.contains(state.get().getReason())) {
      return Optional.of(waiting(state.get().getReason(), state.get().getMessage()));
    }
    return pod.getStatus() == null
        ? Optional.empty()
        : pod.getStatus().getConditions().stream()
            .filter(condition -> "PodScheduled".equals(condition.getType()))
            .filter(condition -> "False".equals(condition.getStatus()))
            .map(condition -> waiting(condition.getReason(), condition.getMessage()))
            .findFirst();
  }

  private static Cause waiting(String reason, String message) {
    return new Cause(
        Objects.requireNonNullElse(reason, "Waiting"),
        Objects.requireNonNullElse(Sentence.of(message), ""));
  }

  private static Exit exit(ContainerStateTerminated terminated) {
    return new Exit(
        terminated.getExitCode(),
        "OOMKilled".equals(terminated.getReason()),
        Objects.requireNonNullElse(terminated.getMessage(), ""));
  }

  private static Optional<ContainerStatus> trainer(Pod pod) {
    if (pod.getStatus() == null) {
      return Optional.empty();
    }
    return pod.getStatus().getContainerStatuses().stream()
        .filter(container -> TrainerPod.CONTAINER.equals(container.getName()))
        .findFirst();
  }
}
