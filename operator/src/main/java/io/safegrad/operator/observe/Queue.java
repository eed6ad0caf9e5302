package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.APIGroup;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.operator.observe.RunObservation.Cause;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What Kueue says of a Job that it holds. */
public final class Queue {

  /** The run waits for its turn. */
  public static final String WAITING = ConditionReason.WaitingForQueue.name();

  /** There is no such queue. */
  public static final String NOT_FOUND = ConditionReason.QueueNotFound.name();

  /** The run had its turn and lost it to another. */
  public static final String EVICTED = ConditionReason.EvictedByQueue.name();

  /** Kueue's API group. */
  public static final String GROUP = "kueue.x-k8s.io";

  private static final String JOB_UID = "kueue.x-k8s.io/job-uid";

  private Queue() {}

  /** The kind of Kueue's Workloads, as this cluster serves it; empty where there is no Kueue. */
  public static Optional<ResourceDefinitionContext> workloads(KubernetesClient client) {
    APIGroup group = client.getApiGroup(GROUP);
    return Optional.ofNullable(group)
        .map(
            found ->
                new ResourceDefinitionContext.Builder()
                    .withGroup(GROUP)
                    .withVersion(found.getPreferredVersion().getVersion())
                    .withKind("Workload")
                    .withPlural("workloads")
                    .withNamespaced(true)
                    .build());
  }

  /** The Workload that Kueue made of a Job; empty while there is none. */
  public static Optional<GenericKubernetesResource> workload(
      KubernetesClient client, ResourceDefinitionContext kind, Job job) {
    return client
        .genericKubernetesResources(kind)
        .inNamespace(job.getMetadata().getNamespace())
        .withLabel(JOB_UID, job.getMetadata().getUid())
        .list()
        .getItems()
        .stream()
        .findFirst();
  }

  /** Why a Job that was given to a queue is held. */
  static Cause waiting(KubernetesClient client, Job job, String queue) {
    Optional<ResourceDefinitionContext> kind = workloads(client);
    if (kind.isEmpty()) {
      return new Cause(
          WAITING,
          "The run is given to the queue %s, but this cluster has no Kueue".formatted(queue));
    }
    return workload(client, kind.get(), job)
        .map(workload -> waiting(workload, queue))
        .orElse(new Cause(WAITING, "Kueue has not taken the run up yet; its queue is " + queue));
  }

  static Cause waiting(GenericKubernetesResource workload, String queue) {
    Optional<Map<?, ?>> evicted =
        condition(workload, "Evicted").filter(one -> "True".equals(one.get("status")));
    String pending = condition(workload, "QuotaReserved").map(Queue::message).orElse("");
    String now = pending.isEmpty() ? "it has not been looked at yet" : pending;
    if (evicted.isPresent()) {
      return new Cause(
          EVICTED,
          "Kueue took the run's place in the queue %s away: %s (%s); admitted again, it goes on from its last checkpoint"
              .formatted(queue, message(evicted.get()), evicted.get().get("reason")));
    }
    return MissingReference.explained(
        new Cause(WAITING, "The run waits in the queue %s: %s".formatted(queue, now)));
  }

  private static Optional<Map<?, ?>> condition(GenericKubernetesResource workload, String type) {
    List<?> conditions = workload.get("status", "conditions");
    return conditions == null
        ? Optional.empty()
        : conditions.stream()
            .filter(Map.class::isInstance)
            .<Map<?, ?>>map(Map.class::cast)
            .filter(condition -> type.equals(condition.get("type")))
            .findFirst();
  }

  private static String message(Map<?, ?> condition) {
    Object message = condition.get("message");
    return message == null ? "" : Sentence.of(message.toString());
  }
}
