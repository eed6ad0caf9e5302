package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.safegrad.operator.observe.Queue;
import java.util.Optional;

/**
 * Asks Kueue to hold a Job or to let it queue again. {@code suspend} of the Job itself is Kueue's:
 * a Job that is suspended by somebody else while it has its place is started again at once.
 */
final class QueueControl {

  private QueueControl() {}

  /**
   * Writes the Workload's {@code spec.active} where it says otherwise.
   *
   * @param active whether the run may have a place
   */
  static void apply(KubernetesClient client, Job job, boolean active) {
    Optional<ResourceDefinitionContext> kind = Queue.workloads(client);
    if (kind.isEmpty()) {
      return;
    }
    Queue.workload(client, kind.get(), job)
        .filter(workload -> isActive(workload) != active)
        .ifPresent(
            workload ->
                client
                    .genericKubernetesResources(kind.get())
                    .inNamespace(workload.getMetadata().getNamespace())
                    .withName(workload.getMetadata().getName())
                    .patch(
                        PatchContext.of(PatchType.JSON_MERGE),
                        "{\"spec\": {\"active\": %s}}".formatted(active)));
  }

  private static boolean isActive(GenericKubernetesResource workload) {
    Boolean active = workload.get("spec", "active");
    return !Boolean.FALSE.equals(active);
  }
}
