package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs that wait in a queue of Kueue. */
@ExtendWith(Cluster.Extension.class)
class KueueIT {

  private static final String NO_QUOTA =
      "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu";

  private final Cluster cluster;
  private final FakeNode node;

  KueueIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void aRunIsQueuedAdmittedEvictedAndAdmittedAgain() throws Exception {
    TestRun run = new TestRun(cluster).create("queueName: gpus");
    Job job = run.awaitJob();
    run.awaitCondition("Ready", "WaitingForQueue");
    assertThat(run.condition("Ready").getMessage())
        .isEqualTo("The run is given to the queue gpus, but this cluster has no Kueue");
    try (FakeKueue kueue = new FakeKueue(cluster.client())) {
      kueue.queues(job, "LocalQueue gpus doesn't exist");
      run.awaitCondition("Ready", "QueueNotFound");
      assertThat(run.condition("Ready").getMessage())
          .startsWith("The LocalQueue gpus, of spec.queueName, does not exist");
      kueue.waits(job, NO_QUOTA);
      run.awaitStatus(
          "Kueue's words",
          status ->
              run.condition("Ready")
                  .getMessage()
                  .equals("The run waits in the queue gpus: " + NO_QUOTA));
      assertThat(run.status().phase()).isEqualTo(Phase.Queued);
      assertThat(run.status().queueName()).isEqualTo("gpus");
      assertThat(run.condition("Reconciling").getStatus()).isEqualTo("True");
      assertThat(run.pods()).isEmpty();

      kueue.admits(job, "spot");
      Pod first = run.awaitPod();
      assertThat(first.getSpec().getNodeSelector()).containsEntry("flavor", "spot");
      node.starts(first, "127.1.1.8");
      run.awaitPhase(Phase.Preparing);
      run.patchSpec("{\"activeDeadlineSeconds\": 7200}");
      TestRun.awaitUntil(
          "the deadline on the Job",
          () -> Long.valueOf(7200).equals(run.awaitJob().getSpec().getActiveDeadlineSeconds()));
      assertThat(run.awaitJob().getSpec().getSuspend()).as("Kueue's to say").isFalse();

      kueue.evicts(job, "Preempted", "Preempted to accommodate a workload of higher priority");
      run.awaitCondition("Ready", "EvictedByQueue");
      assertThat(run.condition("Ready").getMessage())
          .isEqualTo(
              "Kueue took the run's place in the queue gpus away: Preempted to accommodate a workload"
                  + " of higher priority (Preempted); admitted again, it goes on from its last"
                  + " checkpoint");
      assertThat(run.status().phase()).isEqualTo(Phase.Queued);

      kueue.admits(job, "on-demand");
      Pod second = run.awaitPod();
      assertThat(second.getSpec().getNodeSelector()).containsEntry("flavor", "on-demand");
      node.ends(second, 0, Results.success(run.planDigest(), 50));
      run.awaitPhase(Phase.Succeeded);
      assertThat(run.status().attempts())
          .extracting(Attempt::reason)
          .containsExactly("EvictedByQueue", "Success");
      assertThat(run.eventReasons())
          .contains("Queued", "Admitted", "Evicted", "Preparing", "Succeeded");
    }
  }

  @Test
  void itsUserHoldsAQueuedRunThroughItsWorkload() throws Exception {
    try (FakeKueue kueue = new FakeKueue(cluster.client())) {
      TestRun run = new TestRun(cluster).create("queueName: gpus");
      Job job = run.awaitJob();
      kueue.queues(job, NO_QUOTA);
      kueue.admits(job, "spot");
      Pod pod = run.awaitPod();
      node.starts(pod, "127.1.1.9");
      run.awaitPhase(Phase.Preparing);

      run.patchSpec("{\"suspend\": true}");
      TestRun.awaitUntil("the hold", () -> Boolean.FALSE.equals(active(kueue, job)));
      assertThat(run.awaitJob().getSpec().getSuspend()).as("Kueue's to say").isFalse();
      kueue.evicts(job, "Deactivated", "The workload is deactivated");
      run.awaitPhase(Phase.Suspended);
      assertThat(run.condition("Ready").getMessage()).startsWith("spec.suspend holds the run back");
      run.awaitStatus("the attempt's end", status -> status.attempts().get(0).reason() != null);

      run.patchSpec("{\"suspend\": false}");
      TestRun.awaitUntil("the release", () -> Boolean.TRUE.equals(active(kueue, job)));
      kueue.admits(job, "spot");
      node.ends(
          run.awaitPod(),
          65,
          Results.failure(ExitReason.BAD_DATA, "train.jsonl:2: not JSON", run.planDigest()));
      run.awaitPhase(Phase.Failed);
      assertThat(run.status().attempts())
          .extracting(Attempt::reason)
          .containsExactly("Suspended", "BadData");
    }
  }

  private static Boolean active(FakeKueue kueue, Job job) {
    return kueue.workload(job).get("spec", "active");
  }
}
