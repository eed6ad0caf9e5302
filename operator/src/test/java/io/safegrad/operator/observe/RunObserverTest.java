package io.safegrad.operator.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.PodStage;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RunObserverTest {

  private static final Job JOB =
      new JobBuilder()
          .withNewMetadata()
          .withName("support-bot")
          .withUid("job-uid")
          .endMetadata()
          .withNewSpec()
          .endSpec()
          .build();

  @Test
  void withoutAJobThereIsNothing() {
    assertThat(RunObserver.observe(Optional.empty(), List.of(), List.of()))
        .isEqualTo(RunObservation.NOTHING);
  }

  @Test
  void podsOfAnotherJobAreNotSeen() {
    Pod foreign = pod("a", "2026-01-01T00:00:09Z", null);
    foreign.getMetadata().getOwnerReferences().get(0).setUid("another");
    assertThat(RunObserver.observe(Optional.of(JOB), List.of(foreign), List.of()).pod()).isNull();
  }

  @Test
  void aLivingPodIsNewerThanOneThatEndedInTheSameSecond() {
    Pod ended = pod("a", "2026-01-01T00:00:00Z", terminated(69, "first"));
    Pod starting = pod("b", "2026-01-01T00:00:00Z", null);
    for (List<Pod> pods : List.of(List.of(ended, starting), List.of(starting, ended))) {
      RunObservation seen = RunObserver.observe(Optional.of(JOB), pods, List.of());
      assertThat(seen.pod().stage()).isEqualTo(PodStage.WAITING);
      assertThat(seen.lastEnded().exit().code()).isEqualTo(69);
    }
  }

  @Test
  void theNewestExitCounts() {
    RunObservation seen =
        RunObserver.observe(
            Optional.of(JOB),
            List.of(
                pod("z", "2026-01-01T00:00:00Z", terminated(69, "first")),
                pod("a", "2026-01-01T00:01:00Z", terminated(0, "second"))),
            List.of());
    assertThat(seen.lastEnded().exit().terminationMessage()).isEqualTo("second");
    assertThat(seen.pod().stage()).isEqualTo(PodStage.ENDED);
  }

  @Test
  void aPodThatIsGoneIsRememberedButIsNoPodOfNow() {
    Pod gone = pod("a", "2026-01-01T00:00:00Z", terminated(75, "stopped"));
    gone.getStatus()
        .getConditions()
        .add(
            new PodConditionBuilder()
                .withType("DisruptionTarget")
                .withStatus("True")
                .withReason("EvictionByEvictionAPI")
                .withMessage("Eviction API: evicting")
                .build());
    RunObservation seen = RunObserver.observe(Optional.of(JOB), List.of(), List.of(gone));
    assertThat(seen.pod()).isNull();
    assertThat(seen.lastEnded().exit().code()).isEqualTo(75);
    assertThat(seen.lastEnded().disruption())
        .isEqualTo(new Cause("EvictionByEvictionAPI", "Eviction API: evicting"));
    assertThat(RunObserver.observe(Optional.of(JOB), List.of(gone), List.of(gone)).pods())
        .as("a pod that the cache still has is seen once")
        .hasSize(1);
  }

  @Test
  void whatEveryPodWaitsForIsNoReason() {
    assertThat(waiting("ContainerCreating", null)).isNull();
    assertThat(waiting("CreateContainerConfigError", "no key\nx"))
        .isEqualTo(new Cause("CreateContainerConfigError", "no key x"));
  }

  @Test
  void somethingMissingIsNamedWhoeverFoundIt() {
    assertThat(waiting("CreateContainerConfigError", "secret \"hub-token\" not found"))
        .isEqualTo(
            new Cause(
                "SecretNotFound",
                "The Secret hub-token does not exist in the run's namespace; the run goes on as soon"
                    + " as it is created"));
    assertThat(
            waiting(
                "CreateContainerConfigError", "couldn't find key token in Secret team-a/hub-token"))
        .isEqualTo(
            new Cause(
                "SecretKeyNotFound",
                "There is no key token in Secret team-a/hub-token; the run goes on as soon as there"
                    + " is"));
    assertThat(waiting("CreateContainerConfigError", "configmap \"x-plan\" not found").reason())
        .isEqualTo("ConfigMapNotFound");
    assertThat(waiting("SchedulerError", "storageclass.storage.k8s.io \"fast\" not found").reason())
        .isEqualTo("StorageClassNotFound");
    assertThat(waiting("ErrImagePull", "registry.local/none:0: not found").reason())
        .isEqualTo("ErrImagePull");
  }

  private static Cause waiting(String reason, String message) {
    ContainerState state =
        new ContainerStateBuilder()
            .withNewWaiting()
            .withReason(reason)
            .withMessage(message)
            .endWaiting()
            .build();
    return RunObserver.observe(
            Optional.of(JOB), List.of(pod("a", "2026-01-01T00:00:00Z", state)), List.of())
        .pod()
        .waiting();
  }

  private static ContainerState terminated(int code, String message) {
    return new ContainerStateBuilder()
        .withNewTerminated()
        .withExitCode(code)
        .withMessage(message)
        .endTerminated()
        .build();
  }

  private static Pod pod(String name, String created, ContainerState state) {
    PodBuilder pod =
        new PodBuilder()
            .withNewMetadata()
            .withName(name)
            .withUid("uid-" + name)
            .withCreationTimestamp(created)
            .addNewOwnerReference()
            .withUid("job-uid")
            .endOwnerReference()
            .endMetadata()
            .withNewStatus()
            .withPhase("Pending")
            .endStatus();
    if (state != null) {
      pod.editStatus()
          .addNewContainerStatus()
          .withName("trainer")
          .withState(state)
          .endContainerStatus()
          .endStatus();
    }
    return pod.build();
  }
}
