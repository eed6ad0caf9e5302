package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.policy.v1.EvictionBuilder;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.operator.WeakSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What {@code kubectl describe sft} tells a tenant. {@code -Dit.test=StoriesIT
 * -Dstories.write=true} writes the outputs to docs/stories, to be read by people.
 */
@ExtendWith(Cluster.Extension.class)
class StoriesIT {

  /** A little less than 3 GiB. */
  private static final long MEMORY_ESTIMATE_BYTES = 3_221_000_000L;

  private static final Path FOLDER = Path.of("..", "docs", "stories");

  /** What src/test/kstatus/run.sh reads. */
  private static final Path YAML = Path.of("target", "stories");

  private final Cluster cluster;
  private final FakeNode node;

  StoriesIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void success() throws Exception {
    TestRun run = new TestRun(cluster).create();
    Pod pod = run.awaitPod();
    run.awaitPhase(Phase.Queued);
    try (FakeTrainer trainer = trains(run, pod, "127.1.3.1", 40, null)) {
      node.ends(pod, 0, Results.success(run.planDigest(), 49));
      run.awaitPhase(Phase.Succeeded);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "success"))
        .contains(
            "Refusal: 100% → 98%",
            "minRefusalRate",
            "89.5% to 99.6% of 50 prompts",
            "at least 90.0%",
            "The safety gate held and the adapter is published",
            "Measured Examples: 320",
            "Worst Examples: 20",
            "Uri: pvc://adapters/support-bot",
            "Normal Started",
            "Normal Queued",
            "Normal Preparing",
            "Normal Training",
            "Normal Succeeded");
  }

  @Test
  void gateRefusal() throws Exception {
    TestRun run = new TestRun(cluster).create();
    Pod pod = run.awaitPod();
    try (FakeTrainer trainer = trains(run, pod, "127.1.3.2", 40, null)) {
      node.ends(pod, 66, Results.refused(run.planDigest(), 20));
      run.awaitPhase(Phase.Rejected);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "gate-refusal"))
        .contains(
            "Phase: Rejected",
            "minRefusalRate: 40.0% of the harmful prompts were refused, at least 90.0% expected",
            "32 of 320 examples conflict with the alignment far more than all others; the report names the 20 worst",
            "Conflicting Examples: 32",
            "Warning GateRefused",
            "report.json")
        .doesNotContain("Uri:");
  }

  @Test
  void policyViolation() throws Exception {
    Map<String, String> labels = Platform.labels();
    try (Platform platform = new Platform(cluster)) {
      platform.policy("strict", labels, WeakSpecs.POLICY);
      TestRun run =
          new TestRun(cluster, labels).create("method: {name: Sft}", "training: {epochs: 9}");
      run.awaitCondition("Accepted", "PolicyViolation");
      assertThat(told(run, "policy-violation"))
          .contains(
              "spec.method.name: found Sft, SafeGrad expected",
              "spec.training.epochs: found 9, at most 3 expected",
              "Warning Blocked");
    }
  }

  @Test
  void badData() throws Exception {
    TestRun run = new TestRun(cluster).create();
    String sentence = "pvc://team-data/train.jsonl:2: not JSON; expected one object per line";
    node.ends(run.awaitPod(), 65, Results.failure(ExitReason.BAD_DATA, sentence, run.planDigest()));
    run.awaitPhase(Phase.Failed);
    assertThat(told(run, "bad-data")).contains("Reason: BadData", sentence, "Warning Failed");
  }

  @Test
  void outOfMemory() throws Exception {
    TestRun run = new TestRun(cluster).create("pod: {resources: {limits: {memory: 2Gi}}}");
    Pod pod = run.awaitPod();
    try (FakeTrainer trainer = trains(run, pod, "127.1.3.3", 3, null)) {
      node.runsOutOfMemory(pod);
      run.awaitPhase(Phase.Failed);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "out-of-memory"))
        .contains(
            "The trainer was killed at its container's memory limit of 2Gi; it expected to need"
                + " 3072Mi: set spec.pod.resources.limits.memory to 3584Mi, or lower"
                + " spec.training.batchSize (8) or spec.training.maxLength (1024)",
            "Memory Estimate Bytes: 3221000000",
            "Exit Code: 137",
            "Last Step: 3");
  }

  @Test
  void preemptionWithResume() throws Exception {
    TestRun run = new TestRun(cluster).create();
    Pod victim = run.awaitPod();
    node.takes(victim);
    try (FakeTrainer trainer = trains(run, victim, "127.1.3.4", 25, null)) {
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
      stops(run, victim, 25);
      run.awaitReplacement(victim);
      assertThat(trainer.questions()).isPositive();
    }
    Pod second = run.awaitPod();
    try (FakeTrainer trainer = trains(run, second, "127.1.3.5", 40, 25)) {
      node.ends(second, 0, Results.success(run.planDigest(), 50));
      run.awaitPhase(Phase.Succeeded);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "preemption"))
        .contains(
            "Reason: EvictionByEvictionAPI",
            "Resumed At Step: 25",
            "it went on from its checkpoint at step 25",
            "Normal Succeeded");
  }

  @Test
  void suspended() throws Exception {
    TestRun run = new TestRun(cluster).create();
    Pod pod = run.awaitPod();
    node.takes(pod);
    try (FakeTrainer trainer = trains(run, pod, "127.1.3.6", 25, null)) {
      run.patchSpec("{\"suspend\": true}");
      stops(run, pod, 25);
      run.awaitPhase(Phase.Suspended);
      run.awaitStatus(
          "the attempt's end",
          status -> status.attempts() != null && status.attempts().get(0).reason() != null);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "suspended"))
        .contains(
            "Phase: Suspended",
            "spec.suspend holds the run back; set to false, it goes on from its last checkpoint",
            "Normal Suspended");
  }

  @Test
  void queued() throws Exception {
    try (FakeKueue kueue = new FakeKueue(cluster.client())) {
      TestRun run = new TestRun(cluster).create("queueName: gpus");
      Job job = run.awaitJob();
      String words = "couldn't assign flavors to pod set main: insufficient unused quota for gpu";
      kueue.queues(job, words);
      run.awaitStatus(
          "Kueue's words", status -> run.condition("Ready").getMessage().endsWith(words));
      assertThat(told(run, "queued"))
          .contains(
              "Phase: Queued",
              "Queue Name: gpus",
              "The run waits in the queue gpus: " + words,
              "Normal Queued");
    }
  }

  @Test
  void deadline() throws Exception {
    TestRun run = new TestRun(cluster).create("activeDeadlineSeconds: 3");
    Pod pod = run.awaitPod();
    node.takes(pod);
    try (FakeTrainer trainer = trains(run, pod, "127.1.3.7", 12, null)) {
      stops(run, pod, 12);
      run.awaitPhase(Phase.Failed);
      assertThat(trainer.questions()).isPositive();
    }
    assertThat(told(run, "deadline"))
        .contains(
            "Pod: support-bot",
            "Reason: DeadlineExceeded",
            "The run was stopped because it took longer than activeDeadlineSeconds (3s)",
            "Warning Failed")
        .doesNotContain("the Job starts another");
  }

  /** The pod is being deleted, and its trainer ends as it does when it is asked to stop. */
  private void stops(TestRun run, Pod pod, int step) {
    TestRun.awaitUntil(
        "the pod's deletion",
        () -> cluster.client().resource(pod).get().getMetadata().getDeletionTimestamp() != null);
    node.ends(
        pod,
        75,
        Results.failure(
            ExitReason.PREEMPTED,
            "asked to stop in step %d; nothing was published, and the next attempt resumes after step %d"
                .formatted(step + 1, step),
            run.planDigest()));
    run.awaitStatus(
        "the attempt's end",
        status -> status.attempts() != null && status.attempts().get(0).exitCode() != null);
    node.removes(pod);
  }

  /** The pod's trainer starts and trains up to a step. */
  private FakeTrainer trains(TestRun run, Pod pod, String address, int step, Integer resumedAt)
      throws IOException {
    FakeTrainer trainer = new FakeTrainer(address);
    trainer.answers(
        """
        {"stage": "BASELINE_EVALUATION", "step": %d, "totalSteps": 40, "refusalRate": 1.0,
         "memoryEstimateBytes": %d}
        """
            .formatted(resumedAt == null ? 0 : resumedAt, MEMORY_ESTIMATE_BYTES));
    node.starts(pod, address);
    run.awaitPhase(Phase.Preparing);
    trainer.answers(
        """
        {"stage": "TRAINING", "step": %d, "totalSteps": 40, "etaSeconds": %d, "loss": 1.25,
         "alignmentLoss": 0.02, "conflictRatio": 0.41, "cosine": -0.1, "refusalRate": 1.0,
         "tokensPerSecond": 900.0, "resumedAtStep": %s,
         "attribution": {"examples": 320, "conflicting": 0, "worst": 20},
         "memoryEstimateBytes": %d}
        """
            .formatted(step, 5 * (40 - step) + 30, resumedAt, MEMORY_ESTIMATE_BYTES));
    run.awaitPhase(Phase.Training);
    return trainer;
  }

  /** What a tenant reads, with one space for each run of them. */
  private String told(TestRun run, String story) throws Exception {
    String output =
        cluster.kubectl("describe", "sft", TestRun.NAME, "-n", run.namespace()).output();
    Files.createDirectories(YAML);
    Files.writeString(
        YAML.resolve(story + ".yaml"),
        cluster.kubectl("get", "sft", TestRun.NAME, "-n", run.namespace(), "-o", "yaml").output());
    if (Boolean.getBoolean("stories.write")) {
      Files.createDirectories(FOLDER);
      Files.writeString(
          FOLDER.resolve(story + ".txt"),
          "$ kubectl describe sft %s\n%s\n"
              .formatted(TestRun.NAME, output.replace(run.namespace(), "team-a").stripTrailing()));
    }
    return output.replaceAll(" +", " ");
  }
}
