package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The labels by which the operator finds what it made. */
public final class Labels {

  /** Selects every object of the operator. */
  public static final String SELECTOR = "app.kubernetes.io/managed-by=safegrad-operator";

  /** The name of the SafeFineTune that an object belongs to. */
  public static final String SAFE_FINE_TUNE = "safegrad.io/safefinetune";

  /** Kueue's label: the LocalQueue that a workload waits in. */
  public static final String QUEUE = "kueue.x-k8s.io/queue-name";

  private Labels() {}

  /** The queue that a resource asks for: its field, or else its label. */
  public static Optional<String> queue(SafeFineTune resource) {
    return Optional.ofNullable(resource.getSpec().queueName())
        .or(
            () ->
                Optional.ofNullable(resource.getMetadata().getLabels())
                    .map(labels -> labels.get(QUEUE)))
        .filter(name -> !name.isEmpty());
  }

  /** The SafeFineTune that a pod's labels name. */
  public static Set<ResourceID> safeFineTune(HasMetadata object) {
    return Optional.ofNullable(object.getMetadata().getLabels())
        .map(labels -> labels.get(SAFE_FINE_TUNE))
        .map(name -> Set.of(new ResourceID(name, object.getMetadata().getNamespace())))
        .orElse(Set.of());
  }

  static Map<String, String> of(SafeFineTune resource) {
    return Map.of(
        "app.kubernetes.io/name",
        "safegrad-trainer",
        "app.kubernetes.io/managed-by",
        "safegrad-operator",
        SAFE_FINE_TUNE,
        resource.getMetadata().getName());
  }
}
