package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.util.Map;

/** An object that has the name of one that a run needs. */
final class Namesake {

  private static final Map<String, Class<? extends HasMetadata>> KINDS =
      Map.of(
          "configmaps", ConfigMap.class,
          "networkpolicies", NetworkPolicy.class,
          "jobs", Job.class);

  private Namesake() {}

  /**
   * Whether it is there to stay, so that its user is told at once. What an earlier run of the same
   * name has left goes by itself.
   *
   * @param kind in plural, as the API server names it
   */
  static boolean stays(KubernetesClient client, SafeFineTune run, String kind, String name) {
    // By a list, which the operator may, unlike a get.
    return KINDS.containsKey(kind)
        && client
            .resources(KINDS.get(kind))
            .inNamespace(run.getMetadata().getNamespace())
            .withField("metadata.name", name)
            .list()
            .getItems()
            .stream()
            .anyMatch(one -> stays(one.getMetadata(), run));
  }

  static boolean stays(ObjectMeta found, SafeFineTune run) {
    return found.getDeletionTimestamp() == null
        && found.getOwnerReferences().stream()
            .noneMatch(
                owner ->
                    owner.getKind().equals(run.getKind())
                        && owner.getName().equals(run.getMetadata().getName()));
  }
}
