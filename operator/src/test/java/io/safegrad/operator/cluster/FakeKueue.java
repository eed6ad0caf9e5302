package io.safegrad.operator.cluster;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.zip.GZIPInputStream;

/**
 * Plays Kueue: its real CRD, and with a Job's Workload and the Job what its controllers do.
 * Conditions are worded as in the source of the Kueue that {@code src/test/kueue/go.mod} names
 * ({@code pkg/workload}), from where the CRD is too; no Kueue runs in these tests.
 */
final class FakeKueue implements AutoCloseable {

  private static final String VERSION = "kueue.x-k8s.io/v1beta2";
  private static final PatchContext MERGE = PatchContext.of(PatchType.JSON_MERGE);

  private final KubernetesClient client;
  private final CustomResourceDefinition crd;

  /** Installs the CRD. */
  FakeKueue(KubernetesClient client) throws IOException {
    this.client = client;
    try (InputStream stream =
        new GZIPInputStream(FakeKueue.class.getResourceAsStream("/kueue/workloads.crd.yaml.gz"))) {
      crd = client.apiextensions().v1().customResourceDefinitions().load(stream).item();
    }
    client.resource(crd).create();
    await("Kueue's API")
        .atMost(Duration.ofSeconds(30))
        .until(
            () ->
                client.getApiGroup("kueue.x-k8s.io") != null
                    && client.getApiResources(VERSION) != null);
  }

  /** Takes a Job up: its Workload waits for quota. */
  void queues(Job job, String message) {
    String workload =
        """
        apiVersion: %s
        kind: Workload
        metadata:
          name: job-%s
          namespace: %s
          labels: {kueue.x-k8s.io/job-uid: "%s"}
        spec:
          queueName: %s
          podSets:
          - name: main
            count: 1
            template: {spec: {containers: [{name: trainer, image: trainer}]}}
        """
            .formatted(
                VERSION,
                job.getMetadata().getName(),
                job.getMetadata().getNamespace(),
                job.getMetadata().getUid(),
                job.getMetadata().getLabels().get("kueue.x-k8s.io/queue-name"));
    client.load(new ByteArrayInputStream(workload.getBytes(StandardCharsets.UTF_8))).create();
    waits(job, message);
  }

  /** Says why a Workload still has no place. */
  void waits(Job job, String message) {
    conditions(job, condition("QuotaReserved", false, "Pending", message));
  }

  /** Gives a Job its place, on the nodes of a flavor. */
  void admits(Job job, String flavor) {
    conditions(
        job,
        condition("QuotaReserved", true, "QuotaReserved", "Quota reserved in ClusterQueue main"),
        condition("Admitted", true, "Admitted", "The workload is admitted"),
        condition("Evicted", false, "QuotaReserved", "Previously: Preempted"));
    job(
        job,
        "{\"spec\": {\"template\": {\"spec\": {\"nodeSelector\": {\"flavor\": \"%s\"}}}}}",
        flavor);
    job(job, "{\"spec\": {\"suspend\": false}}");
  }

  /** Takes a Job's place away. */
  void evicts(Job job, String reason, String message) {
    conditions(
        job,
        condition("Evicted", true, reason, message),
        condition("QuotaReserved", false, "Pending", message),
        condition("Admitted", false, "NoReservation", "The workload has no reservation"));
    job(job, "{\"spec\": {\"suspend\": true}}");
  }

  GenericKubernetesResource workload(Job job) {
    return resource(job).get();
  }

  private Resource<GenericKubernetesResource> resource(Job job) {
    return client
        .genericKubernetesResources(VERSION, "Workload")
        .inNamespace(job.getMetadata().getNamespace())
        .withName("job-" + job.getMetadata().getName());
  }

  private void conditions(Job job, String... conditions) {
    resource(job)
        .subresource("status")
        .patch(
            MERGE, "{\"status\": {\"conditions\": [%s]}}".formatted(String.join(",", conditions)));
  }

  private void job(Job job, String patch, Object... values) {
    client.resource(job).patch(MERGE, patch.formatted(values));
  }

  private static String condition(String type, boolean status, String reason, String message) {
    return """
    {"type": "%s", "status": "%s", "reason": "%s", "message": "%s",
     "lastTransitionTime": "2026-01-01T00:00:00Z"}
    """
        .formatted(type, status ? "True" : "False", reason, message);
  }

  @Override
  public void close() {
    client.resource(crd).delete();
    await("the end of Kueue's API")
        .atMost(Duration.ofSeconds(30))
        .until(() -> client.getApiGroup("kueue.x-k8s.io") == null);
  }
}
