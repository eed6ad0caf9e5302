package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.JobBuilder;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.BooleanWithUndefined;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.OperatorConfig;
import io.safegrad.operator.observe.Trimmed;
import io.safegrad.operator.plan.PlanResolver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The Job that runs the trainer. Its template is fixed for good, so it is created and never
 * updated; {@link RunControl} sets the few fields that may change.
 */
@Singleton
@KubernetesDependent(useSSA = BooleanWithUndefined.FALSE)
public class TrainerJob extends KubernetesDependentResource<Job, SafeFineTune>
    implements Creator<Job, SafeFineTune>, GarbageCollected<SafeFineTune> {

  /** Digest of the plan that a Job runs. */
  public static final String PLAN_DIGEST = "safegrad.io/plan-digest";

  private final OperatorConfig config;

  @Inject
  public TrainerJob(OperatorConfig config) {
    super(Job.class);
    this.config = config;
  }

  @Override
  public Job desired(SafeFineTune resource, Context<SafeFineTune> context) {
    return of(resource, config.trainer());
  }

  static Job of(SafeFineTune resource, OperatorConfig.Trainer trainer) {
    Map<String, String> labels = new TreeMap<>(Labels.of(resource));
    Optional<String> queue = Labels.queue(resource);
    queue.ifPresent(name -> labels.put(Labels.QUEUE, name));
    return new JobBuilder()
        .withNewMetadata()
        .withName(resource.getMetadata().getName())
        .withNamespace(resource.getMetadata().getNamespace())
        .withLabels(labels)
        .withAnnotations(Map.of(PLAN_DIGEST, PlanResolver.resolve(resource).digest()))
        .endMetadata()
        .withNewSpec()
        .withParallelism(1)
        .withCompletions(1)
        // No pod may start before the queue has let it.
        .withSuspend(queue.isPresent() || Boolean.TRUE.equals(resource.getSpec().suspend()))
        .withBackoffLimit(trainer.backoffLimit())
        .withPodFailurePolicy(RetryTable.podFailurePolicy())
        .withTemplate(TrainerPod.of(resource, trainer))
        .endSpec()
        .build();
  }

  /**
   * Asks the API server whether it would take the Job, and creates nothing. So a pod that cannot be
   * is found while its spec may still be corrected.
   *
   * @throws io.fabric8.kubernetes.client.KubernetesClientException when it would not
   */
  public void check(SafeFineTune resource, Context<SafeFineTune> context) {
    Job job = desired(resource, context);
    addReferenceHandlingMetadata(job, resource);
    context.getClient().resource(job).dryRun().create();
  }

  @Override
  protected InformerEventSource<Job, SafeFineTune> createEventSource(
      EventSourceContext<SafeFineTune> context) {
    return new InformerEventSource<>(
        informerConfigurationBuilder(context)
            .withName(name())
            .withSecondaryToPrimaryMapper(getSecondaryToPrimaryMapper(context).orElseThrow())
            .withLabelSelector(Labels.SELECTOR)
            .withItemStore(Trimmed.store(job -> job.getSpec().setTemplate(null)))
            .withInformerListLimit(Trimmed.PAGE)
            .build(),
        context);
  }

  /** The Job of this very resource, not one that an earlier resource of the same name left. */
  @Override
  protected Optional<Job> selectTargetSecondaryResource(
      Set<Job> candidates, SafeFineTune resource, Context<SafeFineTune> context) {
    return candidates.stream()
        .filter(job -> job.getMetadata().getName().equals(resource.getMetadata().getName()))
        .filter(job -> job.hasOwnerReferenceFor(resource))
        .findFirst();
  }
}
