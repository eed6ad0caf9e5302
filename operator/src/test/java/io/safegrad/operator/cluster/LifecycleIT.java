package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.GateRule;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A run from its creation to its removal. */
@ExtendWith(Cluster.Extension.class)
class LifecycleIT {

  private final Cluster cluster;
  private final FakeNode node;

  LifecycleIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void aRunIsFollowedFromItsPlanToItsAdapter() throws Exception {
    TestRun run = new TestRun(cluster).create("pod: {image: \"registry.local/trainer:1\"}");
    Job job = run.awaitJob();
    TrainingPlan plan =
        TrainingPlan.fromYaml(
            run.plan().orElseThrow().getData().get("plan.yaml").getBytes(StandardCharsets.UTF_8));
    assertThat(plan.run()).isEqualTo(run.namespace() + "/" + TestRun.NAME);
    assertThat(plan.training().lora().rank()).as("a default of the schema").isEqualTo(8);
    assertThat(run.plan().orElseThrow().getImmutable()).isTrue();
    assertThat(job.hasOwnerReferenceFor(run.resource().get())).isTrue();
    assertThat(run.plan().orElseThrow().hasOwnerReferenceFor(run.resource().get())).isTrue();

    Pod pod = run.awaitPod();
    run.awaitPhase(Phase.Queued);
    assertThat(run.status().startTime()).isNotNull();
    assertThat(run.status().planDigest()).isEqualTo(plan.digest());

    try (FakeTrainer trainer = new FakeTrainer("127.1.1.1")) {
      node.starts(pod, trainer.address());
      run.awaitPhase(Phase.Preparing);
      trainer.answers(
          """
          {"stage": "TRAINING", "step": 12, "totalSteps": 40, "etaSeconds": 33.4, "loss": 1.25,
           "alignmentLoss": 0.02, "conflictRatio": 0.41, "cosine": -0.1, "refusalRate": 1.0,
           "tokensPerSecond": 900.0, "aFieldOfTomorrow": true}
          """);
      run.awaitPhase(Phase.Training);
      assertThat(run.status().progress()).isEqualTo("12/40 (30%)");
      assertThat(run.status().conflict()).isEqualTo("41%");
      assertThat(run.status().refusal()).isEqualTo("100% → …");
      assertThat(run.status().etaSeconds()).isEqualTo(33);
      assertThat(run.status().eta()).isEqualTo("33s");
      assertThat(run.status().measurements().loss()).isEqualTo(1.25);
      trainer.answers("{\"stage\": \"TRAINING\", \"step\": 13, \"totalSteps\": 40}");
      run.awaitStatus("live figures", status -> "13/40 (32%)".equals(status.progress()));
      trainer.answers("{\"stage\": \"FINAL_EVALUATION\", \"step\": 40, \"totalSteps\": 40}");
      run.awaitPhase(Phase.Evaluating);
      trainer.answers("not JSON at all");
      node.ends(pod, 0, Results.success(plan.digest(), 49));
    }
    run.awaitPhase(Phase.Succeeded);

    assertThat(run.status().progress()).isEqualTo("40/40 (100%)");
    assertThat(run.status().refusal()).isEqualTo("100% → 98%");
    assertThat(run.status().measurements().taskAccuracy()).isEqualTo(0.96);
    assertThat(run.status().measurements().refusalInterval().count()).isEqualTo(50);
    assertThat(run.status().measurements().refusalInterval().low()).isBetween(0.89, 0.9);
    assertThat(run.status().gate())
        .extracting(GateRule::rule, GateRule::measured, GateRule::held)
        .containsExactly(
            tuple("minRefusalRate", "98.0%", true),
            tuple("maxRefusalDrop", "2.0 points", true),
            tuple("maxOverRefusal", "2.0%", true),
            tuple("maxRefusalKl", "0.0031 nats", true));
    assertThat(run.status().attempts())
        .extracting(Attempt::number, Attempt::reason, Attempt::exitCode, Attempt::lastStep)
        .containsExactly(tuple(1, "Success", 0, 40));
    assertThat(run.status().artifact().uri()).isEqualTo("pvc://adapters/support-bot");
    assertThat(run.status().artifact().digest()).isEqualTo("sha256:ab");
    assertThat(run.status().completionTime()).isNotNull();
    assertThat(run.status().etaSeconds()).isNull();
    assertThat(run.condition("Ready").getStatus()).isEqualTo("True");
    assertThat(run.condition("SafetyGatePassed").getStatus()).isEqualTo("True");
    assertThat(run.condition("Reconciling").getStatus()).isEqualTo("False");
    assertThat(run.condition("Stalled").getStatus()).isEqualTo("False");
    assertThat(run.eventReasons())
        .containsExactly("Evaluating", "Preparing", "Queued", "Started", "Succeeded", "Training");
    assertThat(run.events())
        .allSatisfy(
            event ->
                assertThat(event.getEventTime().getTime())
                    .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z"));

    List<String> table =
        cluster.kubectl("get", "sft", "-n", run.namespace()).output().lines().toList();
    assertThat(table.get(0).split(" {2,}"))
        .containsExactly("NAME", "PHASE", "PROGRESS", "ETA", "CONFLICT", "REFUSAL", "AGE");
    assertThat(table.get(1)).contains("Succeeded", "40/40 (100%)", "41%", "100% → 98%");
    assertThat(table).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
    assertThat(
            cluster
                .kubectl("wait", "--for=condition=Ready", "sft/support-bot", "-n", run.namespace())
                .exitCode())
        .isZero();
    assertThat(cluster.kubectl("describe", "sft", "support-bot", "-n", run.namespace()).output())
        .contains("Events:", "Started", "Runs the plan " + plan.digest());
  }

  @Test
  void theOperatorOwnsTheStatusAndNothingElse() {
    TestRun run = new TestRun(cluster).create();
    run.awaitPhase(Phase.Queued);
    assertThat(run.resource().get().getMetadata().getManagedFields())
        .filteredOn(entry -> entry.getManager().startsWith("safegrad-operator"))
        .isNotEmpty()
        .allSatisfy(
            entry -> {
              assertThat(entry.getSubresource()).isEqualTo("status");
              assertThat(entry.getFieldsV1().getAdditionalProperties())
                  .containsOnlyKeys("f:status");
            });
  }

  @Test
  void applyingAnUnchangedFileChangesNothing() throws Exception {
    TestRun run = new TestRun(cluster);
    Path file = Files.createTempFile("unchanged", ".yaml");
    Files.writeString(
        file, run.manifest("method: {alignmentWeight: 1.0}", "training: {learningRate: 1e-4}"));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).exitCode()).isZero();
    run.awaitPhase(Phase.Queued);
    assertThat(cluster.kubectl("diff", "-f", file.toString())).isEqualTo(new KubectlResult(0, ""));
    assertThat(cluster.kubectl("apply", "-f", file.toString()).output()).endsWith("unchanged");
    String[] serverSide = {"apply", "--server-side", "--force-conflicts", "-f", file.toString()};
    assertThat(cluster.kubectl(serverSide).exitCode()).isZero();
    String version = run.resource().get().getMetadata().getResourceVersion();
    assertThat(cluster.kubectl(serverSide).exitCode()).isZero();
    assertThat(run.resource().get().getMetadata().getResourceVersion())
        .as("nobody wrote anything")
        .isEqualTo(version);
    assertThat(run.resource().get().getMetadata().getGeneration()).isEqualTo(1);
  }

  /** The tests' operator asks five times a second, and may write once a second. */
  @Test
  void aTrainingRunIsWrittenOncePerIntervalHoweverOftenItsTrainerIsHeard() throws Exception {
    TestRun run = new TestRun(cluster).create();
    try (FakeTrainer trainer = new FakeTrainer("127.1.1.10")) {
      trainer.counts();
      node.starts(run.awaitPod(), trainer.address());
      run.awaitPhase(Phase.Training);
      AtomicInteger writes = new AtomicInteger();
      long begin = System.nanoTime();
      int asked = trainer.questions();
      try (SharedIndexInformer<SafeFineTune> watch = run.onWrite(writes::incrementAndGet)) {
        TestRun.awaitUntil("twenty answers", () -> trainer.questions() >= asked + 20);
        assertThat(watch.isRunning()).isTrue();
        assertThat(writes.get())
            .isPositive()
            .isLessThanOrEqualTo((int) ((System.nanoTime() - begin) / 1_000_000_000L) + 1);
      }
    }
  }

  @Test
  void theSpecIsFixedOnceTheRunHasStarted() {
    TestRun run = new TestRun(cluster).create();
    run.awaitJob();
    run.awaitPhase(Phase.Queued);
    assertThatThrownBy(() -> run.patchSpec("{\"training\": {\"epochs\": 7}}"))
        .hasMessageContaining(
            "training cannot be changed once the run has started: delete the SafeFineTune and"
                + " create a new one");
    run.patchSpec("{\"activeDeadlineSeconds\": 7200}");
    TestRun.awaitUntil(
        "the Job's deadline",
        () -> Long.valueOf(7200).equals(run.awaitJob().getSpec().getActiveDeadlineSeconds()));
  }

  @Test
  void aJobThatItsTimeToLiveRemovedIsNotRunAgain() {
    TestRun run = new TestRun(cluster).create("ttlSecondsAfterFinished: 1");
    Job job = run.awaitJob();
    assertThat(job.getSpec().getTtlSecondsAfterFinished())
        .as("the Job outlives its result's reading")
        .isNull();
    node.ends(run.awaitPod(), 0, Results.success(digest(job), 50));
    run.awaitPhase(Phase.Succeeded);
    TestRun.awaitUntil("the Job's removal", () -> run.job().isEmpty());
    // Another generation calls the operator once more.
    run.patchSpec("{\"ttlSecondsAfterFinished\": 2}");
    run.awaitStatus("the new generation", status -> status.observedGeneration() == 2);
    assertThat(run.job()).isEmpty();
    assertThat(run.status().phase()).isEqualTo(Phase.Succeeded);
    assertThat(run.status().artifact().uri()).isNotNull();
  }

  @Test
  void aRecordMayBeToldToDeleteItselfUnlessItWouldBeCreatedAgain() {
    String[] spec = {"ttlSecondsAfterFinished: 1", "ttlPolicy: DeleteResource"};
    TestRun kept = new TestRun(cluster).create(spec);
    kept.resource().patch(PatchContext.of(PatchType.JSON_MERGE), tracked("\"team-a:run\""));
    TestRun deleted = new TestRun(cluster).create(spec);
    for (TestRun run : List.of(kept, deleted)) {
      node.ends(run.awaitPod(), 0, Results.success(run.planDigest(), 50));
    }
    TestRun.awaitUntil(
        "the removal",
        () ->
            deleted.resource().get() == null
                && deleted.job().isEmpty()
                && deleted.plan().isEmpty());
    TestRun.awaitUntil("the Job's removal", () -> kept.job().isEmpty());
    assertThat(kept.status().phase()).isEqualTo(Phase.Succeeded);
    // Only now, for the one that stays.
    kept.resource().patch(PatchContext.of(PatchType.JSON_MERGE), tracked("null"));
    kept.patchSpec("{\"ttlSecondsAfterFinished\": 2}");
    TestRun.awaitUntil("the removal", () -> kept.resource().get() == null);
  }

  @Test
  void theTimeToLiveMayBeGivenAfterTheEnd() {
    TestRun run = new TestRun(cluster).create();
    node.ends(run.awaitPod(), 0, Results.success(digest(run.awaitJob()), 50));
    run.awaitPhase(Phase.Succeeded);
    assertThat(run.job()).isPresent();
    run.patchSpec("{\"ttlSecondsAfterFinished\": 0}");
    TestRun.awaitUntil("the Job's removal", () -> run.job().isEmpty());
  }

  @Test
  void deletingTheResourceRemovesAllThatBelongsToIt() {
    TestRun run = new TestRun(cluster).create();
    run.awaitPod();
    run.resource().delete();
    TestRun.awaitUntil(
        "the removal",
        () ->
            run.resource().get() == null
                && run.job().isEmpty()
                && run.plan().isEmpty()
                && run.pods().isEmpty());
  }

  @Test
  void anEarlierResourceOfTheSameNameIsNotTakenForThisOne() {
    TestRun run = new TestRun(cluster).create();
    Job first = run.awaitJob();
    run.awaitPhase(Phase.Queued);
    run.resource().delete();
    TestRun.awaitUntil("the removal", () -> run.resource().get() == null);
    run.create();
    TestRun.awaitUntil(
        "a Job of its own",
        () ->
            run.job()
                .filter(job -> !job.getMetadata().getUid().equals(first.getMetadata().getUid()))
                .isPresent());
    run.awaitPhase(Phase.Queued);
  }

  private static String tracked(String id) {
    return "{\"metadata\": {\"annotations\": {\"argocd.argoproj.io/tracking-id\": %s}}}"
        .formatted(id);
  }

  private static String digest(Job job) {
    return job.getMetadata().getAnnotations().get("safegrad.io/plan-digest");
  }
}
