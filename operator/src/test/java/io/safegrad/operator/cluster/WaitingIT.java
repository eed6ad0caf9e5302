package io.safegrad.operator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
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

  @Test
  void whatAPodWaitsForIsNamedWithinTenSeconds() {
    TestRun image = new TestRun(cluster).create();
    TestRun place = new TestRun(cluster).create();
    Pod imagePod = image.awaitPod();
    Pod placePod = place.awaitPod();
    long begin = System.nanoTime();
    node.cannotStart(imagePod, "ErrImagePull", "not found");
    node.cannotPlace(placePod, "0/3 nodes are available");
    image.awaitCondition("Ready", "ErrImagePull");
    place.awaitCondition("Ready", "Unschedulable");
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TEN_SECONDS);
  }
}
