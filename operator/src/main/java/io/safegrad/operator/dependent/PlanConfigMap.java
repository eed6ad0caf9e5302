package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.BooleanWithUndefined;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.observe.Trimmed;
import io.safegrad.operator.plan.PlanException;
import io.safegrad.operator.plan.PlanResolver;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The plan as the trainer reads it. Immutable: a run is a function of its plan. */
@Singleton
@KubernetesDependent(useSSA = BooleanWithUndefined.FALSE)
public class PlanConfigMap extends KubernetesDependentResource<ConfigMap, SafeFineTune>
    implements Creator<ConfigMap, SafeFineTune>, GarbageCollected<SafeFineTune> {

  static final String KEY = "plan.yaml";

  /** Less than the API server's bound, which counts keys, too. */
  private static final int MOST_BYTES = 1_000_000;

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
   * Whether the plan fits into a ConfigMap. That is all that could be wrong with it before its run
   * starts, so the API server need not be asked.
   *
   * @throws PlanException when it does not
   */
  public static void check(TrainingPlan plan) {
    int bytes = plan.toYaml().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MOST_BYTES) {
      throw new PlanException(
          "spec makes a plan of %d bytes; at most %d expected, because a ConfigMap carries it"
              .formatted(bytes, MOST_BYTES));
    }
  }

  @Override
  protected InformerEventSource<ConfigMap, SafeFineTune> createEventSource(
      EventSourceContext<SafeFineTune> context) {
    return new InformerEventSource<>(
        informerConfigurationBuilder(context)
            .withName(name())
            .withSecondaryToPrimaryMapper(getSecondaryToPrimaryMapper(context).orElseThrow())
            .withLabelSelector(Labels.SELECTOR)
            .withItemStore(Trimmed.store(map -> map.setData(null)))
            .withInformerListLimit(Trimmed.PAGE)
            .build(),
        context);
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
