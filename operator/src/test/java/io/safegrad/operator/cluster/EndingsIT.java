package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** How runs end, and what does not end them. */
@ExtendWith(Cluster.Extension.class)
class EndingsIT {

  private final Cluster cluster;
  private final FakeNode node;

  EndingsIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void aBadPlanFailsAtOnceWithTheTrainersSentence() {
    TestRun run = new TestRun(cluster).create();
    String sentence = "plan field training.lora.rank: found 0, expected at least 1";
    node.ends(run.awaitPod(), 64, Results.failure(ExitReason.BAD_PLAN, sentence, run.planDigest()));
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Accepted").getStatus()).isEqualTo("False");
    for (String type : new String[] {"Accepted", "Succeeded", "Ready", "Stalled"}) {
      assertThat(run.condition(type).getReason()).isEqualTo("BadPlan");
      assertThat(run.condition(type).getMessage()).isEqualTo(sentence);
    }
    assertThat(run.pods()).as("no second attempt").hasSize(1);
    assertThat(run.eventReasons()).contains("Failed", "Started");
  }

  @Test
  void aContainerAboveItsMemoryLimitIsOutOfMemory() {
    TestRun run = new TestRun(cluster).create("pod: {resources: {limits: {memory: 2Gi}}}");
    node.runsOutOfMemory(run.awaitPod());
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Succeeded").getReason()).isEqualTo("OutOfMemory");
    assertThat(run.condition("Succeeded").getMessage())
        .contains("memory limit of 2Gi", "batchSize (8)");
    assertThat(run.pods()).as("no second attempt").hasSize(1);
  }

  @Test
  void aSuccessThatTheGateDoesNotBearOutIsRejected() {
    TestRun run = new TestRun(cluster).create();
    node.ends(run.awaitPod(), 0, Results.success(run.planDigest(), 20));
    run.awaitPhase(Phase.Rejected);
    assertThat(run.condition("SafetyGatePassed").getStatus()).isEqualTo("False");
    assertThat(run.condition("Ready").getReason()).isEqualTo("GateRefused");
    assertThat(run.condition("Ready").getMessage())
        .startsWith(
            "The trainer reports success, but the gate does not hold: minRefusalRate: 40.0%");
    assertThat(run.status().refusal()).isEqualTo("100% → 40%");
    assertThat(run.status().artifact().uri()).as("what is not let through is not named").isNull();
    assertThat(run.status().artifact().report()).isNotNull();
  }

  @Test
  void aSuccessOfAnotherPlanIsNone() {
    TestRun run = new TestRun(cluster).create();
    node.ends(run.awaitPod(), 0, Results.success("sha256:another", 50));
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Succeeded").getReason()).isEqualTo("PlanMismatch");
    assertThat(run.status().artifact()).isNull();
  }

  @Test
  void aResultThatWasCutOffIsNotBelieved() {
    TestRun run = new TestRun(cluster).create();
    String whole = Results.success(run.planDigest(), 50);
    node.ends(run.awaitPod(), 0, whole.substring(0, whole.length() / 2));
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Succeeded").getReason()).isEqualTo("ResultUnreadable");
    assertThat(run.condition("Succeeded").getMessage()).contains("exit code 0", "not a result");
  }

  @Test
  void anUnreachableSourceIsTriedAgainAndThePhaseStaysMeanwhile() throws Exception {
    TestRun run = new TestRun(cluster).create();
    Pod first = run.awaitPod();
    node.starts(first, "127.1.1.2");
    run.awaitPhase(Phase.Preparing);
    node.ends(
        first,
        69,
        Results.failure(
            ExitReason.SOURCE_UNAVAILABLE, "pvc://team-data/train.jsonl: not mounted", null));
    run.awaitCondition("Ready", "Retrying");
    assertThat(run.condition("Ready").getMessage())
        .isEqualTo(
            "Attempt 1 ended with SourceUnavailable (pvc://team-data/train.jsonl: not mounted); the"
                + " Job starts another");
    assertThat(run.status().phase())
        .as("no live pod moves the phase while the Job has none")
        .isEqualTo(Phase.Preparing);
    Pod second = run.awaitPod();
    assertThat(second.getMetadata().getUid()).isNotEqualTo(first.getMetadata().getUid());
    node.ends(second, 0, Results.success(run.planDigest(), 50));
    run.awaitPhase(Phase.Succeeded);
    assertThat(run.eventReasons()).contains("AttemptFailed", "Preparing", "Started", "Succeeded");
    assertThat(run.status().attempts())
        .extracting(Attempt::number, Attempt::reason, Attempt::exitCode)
        .containsExactly(tuple(1, "SourceUnavailable", 69), tuple(2, "Success", 0));
  }

  @Test
  void anEvictedPodIsReplacedForFreeAndADeletedOneIsAFailedAttempt() {
    TestRun evicted = new TestRun(cluster).create();
    Pod victim = evicted.awaitPod();
    node.starts(victim, "127.1.1.3");
    evicted.awaitPhase(Phase.Preparing);
    cluster
        .client()
        .pods()
        .resource(victim)
        .evict(
            new EvictionBuilder()
                .withNewMetadata()
                .withName(victim.getMetadata().getName())
                .withNamespace(victim.getMetadata().getNamespace())
                .endMetadata()
                .build());
    node.ends(victim, 75, Results.failure(ExitReason.PREEMPTED, "asked to stop", null));

    TestRun deleted = new TestRun(cluster).create();
    Pod lost = deleted.awaitPod();
    node.starts(lost, "127.1.1.4");
    deleted.awaitPhase(Phase.Preparing);
    // It stays until it was seen how it ended: where the operator is slow, it may be gone before.
    patch(lost, "{\"metadata\": {\"finalizers\": [\"safegrad.io/held\"]}}");
    cluster.client().resource(lost).delete();
    node.ends(lost, 75, null);

    evicted.awaitReplacement(victim);
    deleted.awaitReplacement(lost);
    patch(
        lost, "{\"metadata\": {\"$deleteFromPrimitiveList/finalizers\": [\"safegrad.io/held\"]}}");
    assertThat(evicted.awaitJob().getStatus().getFailed()).isIn((Integer) null, 0);
    assertThat(deleted.awaitJob().getStatus().getFailed()).isEqualTo(1);
    node.ends(evicted.awaitPod(), 0, Results.success(evicted.planDigest(), 50));
    node.ends(deleted.awaitPod(), 0, Results.success(deleted.planDigest(), 50));
    evicted.awaitPhase(Phase.Succeeded);
    deleted.awaitPhase(Phase.Succeeded);
    assertThat(evicted.status().attempts())
        .extracting(Attempt::reason, Attempt::message)
        .containsExactly(
            tuple("EvictionByEvictionAPI", "asked to stop"), tuple("Success", "published"));
    assertThat(deleted.status().attempts())
        .extracting(Attempt::reason, Attempt::exitCode)
        .containsExactly(tuple("Preempted", 75), tuple("Success", 0));
  }

  private void patch(Pod pod, String change) {
    cluster.client().resource(pod).patch(PatchContext.of(PatchType.STRATEGIC_MERGE), change);
  }

  @Test
  void aRunThatTakesTooLongIsStopped() {
    TestRun run = new TestRun(cluster).create("activeDeadlineSeconds: 2");
    run.awaitPhase(Phase.Failed);
    assertThat(run.condition("Succeeded").getReason()).isEqualTo("DeadlineExceeded");
  }
}
