package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.scheduling.v1.PriorityClass;
import io.fabric8.kubernetes.api.model.scheduling.v1.PriorityClassBuilder;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Runs that wait: for an image, for a node, for their user. */
@ExtendWith(Cluster.Extension.class)
class WaitingIT {

  private static final Duration TEN_SECONDS = Duration.ofSeconds(10);

  private final Cluster cluster;
  private final FakeNode node;

  WaitingIT(Cluster cluster) {
    this.cluster = cluster;
    this.node = new FakeNode(cluster.client());
  }

  @Test
  void aWrongImageIsNamed() {
    TestRun run = new TestRun(cluster).create("pod: {image: \"registry.local/none:0\"}");
    String message = "Back-off pulling image \"registry.local/none:0\"";
    node.cannotStart(run.awaitPod(), "ImagePullBackOff", message);
    run.awaitCondition("Ready", "ImagePullBackOff");
    assertThat(run.condition("Ready").getMessage()).isEqualTo(message);
    assertThat(run.condition("Ready").getStatus()).isEqualTo("False");
    assertThat(run.status().phase()).isEqualTo(Phase.Queued);
    assertThat(run.eventReasons()).contains("Started", "Waiting");
  }

  @Test
  void aPodWithoutANodeIsQueuedWithTheSchedulersWords() {
    TestRun run = new TestRun(cluster).create();
    String message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.";
    node.cannotPlace(run.awaitPod(), message);
    run.awaitCondition("Ready", "Unschedulable");
    assertThat(run.condition("Ready").getMessage()).isEqualTo(message);
    assertThat(run.status().phase()).isEqualTo(Phase.Queued);
  }

  @Test
  void aRunHeldBackFromTheStartTakesNothingAndMayStillBeEdited() {
    TestRun run = new TestRun(cluster).create("suspend: true");
    run.awaitPhase(Phase.Suspended);
    assertThat(run.job()).isEmpty();
    assertThat(run.condition("Accepted").getStatus()).isEqualTo("True");
    run.patchSpec("{\"training\": {\"epochs\": 7}, \"suspend\": false}");
    run.awaitJob();
    run.awaitPhase(Phase.Queued);
    assertThat(run.plan().orElseThrow().getData().get("plan.yaml")).contains("epochs: 7");
    assertThat(run.eventReasons()).contains("Resumed", "Started", "Suspended");
  }

  @Test
  void aRunningRunIsSuspendedAndResumed() {
    TestRun run = new TestRun(cluster).create();
    Pod first = run.awaitPod();
    node.starts(first, "127.1.1.5");
    run.awaitPhase(Phase.Preparing);
    Job job = run.awaitJob();
    run.patchSpec("{\"suspend\": true}");
    run.awaitPhase(Phase.Suspended);
    assertThat(run.condition("Reconciling").getStatus()).isEqualTo("False");
    TestRun.awaitUntil("the pod's removal", () -> run.pods().isEmpty());
    assertThat(run.status().phase()).isEqualTo(Phase.Suspended);

    run.patchSpec("{\"suspend\": false}");
    node.ends(run.awaitPod(), 0, Results.success(run.planDigest(), 50));
    run.awaitPhase(Phase.Succeeded);
    assertThat(run.status().attempts())
        .extracting(Attempt::reason)
        .containsExactly("Suspended", "Success");
    assertThat(run.awaitJob().getMetadata().getUid()).isEqualTo(job.getMetadata().getUid());
    assertThat(run.awaitJob().getSpec().getTemplate()).isEqualTo(job.getSpec().getTemplate());
  }

  /** Nothing announces it but an event of the Job. */
  @Test
  void aQuotaThatRefusesThePodIsNamedWithinTenSeconds() {
    TestRun run = new TestRun(cluster);
    ResourceQuota quota = run.quota("no-pods", "pods", "0");
    run.create();
    run.awaitJob();
    long begin = System.nanoTime();
    run.awaitCondition("Ready", "QuotaExceeded");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TEN_SECONDS);
    assertThat(run.condition("Ready").getMessage()).contains("exceeded quota: no-pods");
    assertThat(run.eventReasons()).contains("Waiting");
    cluster.client().resource(quota).delete();
    run.awaitPod();
    run.awaitPhase(Phase.Queued);
    TestRun.awaitUntil(
        "the reason's end", () -> run.condition("Ready").getReason().equals("Queued"));
  }

  /** In the scheduler's words; EndToEndIT has the real one. */
  @Test
  void aClaimThatDoesNotExistIsNamed() {
    TestRun run = new TestRun(cluster).create();
    Pod pod = run.awaitPod();
    node.cannotPlace(
        pod, "0/1 nodes are available: persistentvolumeclaim \"team-data\" not found. not found");
    run.awaitCondition("Ready", "ClaimNotFound");
    assertThat(run.condition("Ready").getMessage())
        .isEqualTo(
            "The PersistentVolumeClaim team-data does not exist in the run's namespace; the run goes"
                + " on as soon as it is created");
    assertThat(run.condition("Reconciling").getStatus()).as("it may still come").isEqualTo("True");
    node.starts(pod, "127.1.1.11");
    run.awaitPhase(Phase.Preparing);
    assertThat(run.condition("Ready").getReason()).isEqualTo("Preparing");
  }

  /** The API server refuses the pod, and the Job's event is all that tells. */
  @Test
  void aClassThatDoesNotExistIsNamedWithinTenSecondsAndMayStillCome() {
    TestRun priority = new TestRun(cluster).create("pod: {priorityClassName: not-yet}");
    TestRun runtime = new TestRun(cluster).create("pod: {runtimeClassName: not-yet}");
    priority.awaitJob();
    runtime.awaitJob();
    long begin = System.nanoTime();
    priority.awaitCondition("Ready", "PriorityClassNotFound");
    runtime.awaitCondition("Ready", "RuntimeClassNotFound");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TEN_SECONDS);
    assertThat(priority.condition("Ready").getMessage())
        .startsWith("The PriorityClass not-yet, of spec.pod.priorityClassName, does not exist");
    assertThat(runtime.condition("Ready").getMessage())
        .startsWith("The RuntimeClass not-yet, of spec.pod.runtimeClassName, does not exist");
    PriorityClass created =
        cluster
            .client()
            .resource(
                new PriorityClassBuilder()
                    .withNewMetadata()
                    .withName("not-yet")
                    .endMetadata()
                    .withValue(1000)
                    .build())
            .create();
    node.starts(priority.awaitPod(), "127.1.1.12");
    priority.awaitPhase(Phase.Preparing);
    cluster.client().resource(created).delete();
  }

  @Test
  void whatAPodWaitsForIsNamedWithinTenSeconds() {
    TestRun image = new TestRun(cluster).create();
    TestRun place = new TestRun(cluster).create();
    TestRun secret =
        new TestRun(cluster)
            .create("model: {source: \"hf://org/base\", secretRef: {name: hub-token}}");
    Pod secretPod = secret.awaitPod();
    Pod imagePod = image.awaitPod();
    Pod placePod = place.awaitPod();
    long begin = System.nanoTime();
    node.cannotStart(imagePod, "ErrImagePull", "not found");
    node.cannotPlace(placePod, "0/3 nodes are available");
    node.cannotStart(secretPod, "CreateContainerConfigError", "secret \"hub-token\" not found");
    image.awaitCondition("Ready", "ErrImagePull");
    secret.awaitCondition("Ready", "SecretNotFound");
    place.awaitCondition("Ready", "Unschedulable");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TEN_SECONDS);
  }
}
