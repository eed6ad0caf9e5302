package io.safegrad.operator;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.MaxReconciliationInterval;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.Workflow;
import io.javaoperatorsdk.operator.api.reconciler.dependent.Dependent;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.javaoperatorsdk.operator.processing.retry.GradualRetry;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import io.safegrad.operator.dependent.PlanConfigMap;
import io.safegrad.operator.dependent.RunControl;
import io.safegrad.operator.dependent.TrainerJob;
import io.safegrad.operator.metrics.RunMetrics;
import io.safegrad.operator.observe.ProgressPoller;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.RunObserver;
import io.safegrad.operator.observe.TrainerPods;
import io.safegrad.operator.plan.PlanResolver;
import io.safegrad.operator.status.RunStatus;
import io.safegrad.operator.status.StatusWriter;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The order of things for one SafeFineTune. */
@ControllerConfiguration(
    name = "safefinetune",
    fieldManager = "safegrad-operator",
    maxReconciliationInterval =
        @MaxReconciliationInterval(interval = 10, timeUnit = TimeUnit.MINUTES))
@GradualRetry(maxAttempts = -1, initialInterval = 500, intervalMultiplier = 2, maxInterval = 60_000)
@Workflow(
    explicitInvocation = true,
    dependents = {
      @Dependent(name = "plan", type = PlanConfigMap.class),
      @Dependent(name = "job", type = TrainerJob.class, dependsOn = "plan")
    })
public class SafeFineTuneReconciler implements Reconciler<SafeFineTune> {

  private final PlanConfigMap planConfigMap;
  private final TrainerJob trainerJob;
  private final ProgressPoller progressPoller;
  private final RunMetrics metrics;

  SafeFineTuneReconciler(
      PlanConfigMap planConfigMap,
      TrainerJob trainerJob,
      ProgressPoller progressPoller,
      RunMetrics metrics) {
    this.planConfigMap = planConfigMap;
    this.trainerJob = trainerJob;
    this.progressPoller = progressPoller;
    this.metrics = metrics;
  }

  @Override
  public List<EventSource<?, SafeFineTune>> prepareEventSources(
      EventSourceContext<SafeFineTune> context) {
    metrics.count(context.getPrimaryCache());
    InformerEventSourceConfiguration<Pod> pods =
        InformerEventSourceConfiguration.from(Pod.class, SafeFineTune.class)
            .withLabelSelector(Labels.SELECTOR)
            .withSecondaryToPrimaryMapper(Labels::safeFineTune)
            .build();
    return List.of(new InformerEventSource<>(pods, context), progressPoller);
  }

  @Override
  public UpdateControl<SafeFineTune> reconcile(
      SafeFineTune resource, Context<SafeFineTune> context) {
    // An ended run is never started again, whatever became of its Job.
    if (RunStatus.hasEnded(resource)) {
      finish(StatusWriter.write(resource, RunStatus.seen(resource), context), context);
      return UpdateControl.noUpdate();
    }
    SafeFineTune current = RunStatus.hasStarted(resource) ? resource : start(resource, context);
    if (RunStatus.hasStarted(current)) {
      context.managedWorkflowAndDependentResourceContext().reconcileManagedWorkflow();
      job(current, context)
          .ifPresent(job -> RunControl.apply(context.getClient(), current, job, false));
    }
    SafeFineTune written =
        StatusWriter.write(
            current,
            RunStatus.observed(current, observe(current, context), Instant.now()),
            context);
    if (RunStatus.hasEnded(written)) {
      finish(written, context);
    }
    return UpdateControl.noUpdate();
  }

  /** Nothing is created before the spec is fixed, and no spec is fixed before it is checked. */
  private SafeFineTune start(SafeFineTune resource, Context<SafeFineTune> context) {
    TrainingPlan plan = PlanResolver.resolve(resource);
    planConfigMap.check(resource, context);
    trainerJob.check(resource, context);
    return Boolean.TRUE.equals(resource.getSpec().suspend())
        ? resource
        : StatusWriter.write(resource, RunStatus.started(resource, plan, Instant.now()), context);
  }

  private RunObservation observe(SafeFineTune resource, Context<SafeFineTune> context) {
    Optional<Job> job = job(resource, context);
    RunObservation seen = RunObserver.observe(job, TrainerPods.of(resource, job, context));
    return seen.with(progressPoller.follow(ResourceID.fromResource(resource), seen.pod()));
  }

  private void finish(SafeFineTune resource, Context<SafeFineTune> context) {
    progressPoller.forget(ResourceID.fromResource(resource));
    job(resource, context)
        .ifPresent(job -> RunControl.apply(context.getClient(), resource, job, true));
  }

  private Optional<Job> job(SafeFineTune resource, Context<SafeFineTune> context) {
    return trainerJob.getSecondaryResource(resource, context);
  }

  @Override
  public ErrorStatusUpdateControl<SafeFineTune> updateErrorStatus(
      SafeFineTune resource, Context<SafeFineTune> context, Exception failure) {
    return StatusWriter.tell(resource, failure, context);
  }
}
