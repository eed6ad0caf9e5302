package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.BooleanWithUndefined;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.plan.PlanResolver;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The plan as the trainer reads it. Immutable: a run is a function of its plan. */
@Singleton
@KubernetesDependent(
    useSSA = BooleanWithUndefined.TRUE,
    createResourceOnlyIfNotExistingWithSSA = true,
    informer = @Informer(labelSelector = Labels.SELECTOR))
public class PlanConfigMap extends KubernetesDependentResource<ConfigMap, SafeFineTune>
    implements Creator<ConfigMap, SafeFineTune>, GarbageCollected<SafeFineTune> {

  static final String KEY = "plan.yaml";

  public PlanConfigMap() {
    super(ConfigMap.class);
  }

  @Override
  protected ConfigMap desired(SafeFineTune resource, Context<SafeFineTune> context) {
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(name(resource))
        .withNamespace(resource.getMetadata().getNamespace())
        .withLabels(Labels.of(resource))
        .endMetadata()
        .withImmutable(true)
        .withData(Map.of(KEY, PlanResolver.resolve(resource).toYaml()))
        .build();
  }

  /**
   * Asks the API server whether it would take the ConfigMap, and creates nothing.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException when it would not
   */
  public void check(SafeFineTune resource, Context<SafeFineTune> context) {
    context.getClient().resource(desired(resource, context)).dryRun().create();
  }

  @Override
  protected Optional<ConfigMap> selectTargetSecondaryResource(
      Set<ConfigMap> candidates, SafeFineTune resource, Context<SafeFineTune> context) {
    return candidates.stream()
        .filter(map -> map.getMetadata().getName().equals(name(resource)))
        .filter(map -> map.hasOwnerReferenceFor(resource))
        .findFirst();
  }

  static String name(SafeFineTune resource) {
    return resource.getMetadata().getName() + "-plan";
  }
}
