package io.safegrad.operator;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.javaoperatorsdk.operator.api.config.ControllerConfigurationOverrider;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.Workflow;
import io.javaoperatorsdk.operator.api.reconciler.dependent.Dependent;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.retry.GradualRetry;
import io.quarkiverse.operatorsdk.runtime.api.ConfigurableReconciler;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.dependent.PlanConfigMap;
import io.safegrad.operator.dependent.RunControl;
import io.safegrad.operator.dependent.TrainerJob;
import io.safegrad.operator.dependent.TrainerNetworkPolicy;
import io.safegrad.operator.metrics.RunMetrics;
import io.safegrad.operator.observe.PolicyWatch;
import io.safegrad.operator.observe.RunFollower;
import io.safegrad.operator.observe.RunObservation;
import io.safegrad.operator.observe.Trimmed;
import io.safegrad.operator.plan.PolicyMerge;
import io.safegrad.operator.status.RunStatus;
import io.safegrad.operator.status.StatusWriter;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The order of things for one SafeFineTune. */
@ControllerConfiguration(name = "safefinetune", fieldManager = "safegrad-operator")
@GradualRetry(maxAttempts = -1, initialInterval = 500, intervalMultiplier = 2, maxInterval = 60_000)
@Workflow(
    explicitInvocation = true,
    dependents = {
      @Dependent(name = "plan", type = PlanConfigMap.class),
      @Dependent(name = "network", type = TrainerNetworkPolicy.class),
      @Dependent(
          name = "job",
          type = TrainerJob.class,
          dependsOn = {"plan", "network"})
    })
public class SafeFineTuneReconciler implements ConfigurableReconciler<SafeFineTune> {

  private final RunAdmission admission;
  private final TrainerJob trainerJob;
  private final RunFollower follower;
  private final PolicyWatch policies;
  private final RunMetrics metrics;
  private final NewRunsFirst order = new NewRunsFirst();

  SafeFineTuneReconciler(
      RunAdmission admission,
      TrainerJob trainerJob,
      RunFollower follower,
      PolicyWatch policies,
      RunMetrics metrics) {
    this.admission = admission;
    this.trainerJob = trainerJob;
    this.follower = follower;
    this.policies = policies;
    this.metrics = metrics;
  }

  @Override
  public void updateConfigurationFrom(ControllerConfigurationOverrider<SafeFineTune> config) {
    config
        .withItemStore(Trimmed.store())
        .withInformerListLimit(Trimmed.PAGE)
        .withRateLimiter(order);
  }

  @Override
  public List<EventSource<?, SafeFineTune>> prepareEventSources(
      EventSourceContext<SafeFineTune> context) {
    metrics.count(context.getPrimaryCache());
    order.among(context.getPrimaryCache());
    return follower.eventSources(context);
  }

  @Override
  public UpdateControl<SafeFineTune> reconcile(SafeFineTune found, Context<SafeFineTune> context) {
    // An ended run is never started again, whatever became of its Job.
    if (RunStatus.hasEnded(found)) {
      return finish(StatusWriter.write(found, RunStatus.seen(found), context), context);
    }
    SafeFineTuneStatus before = RunStatus.last(found);
    SafeFineTune run = RunStatus.hasStarted(found) ? found : admission.admit(found, context);
    if (RunStatus.hasStarted(run)) {
      // The dependents are made from the resource that the context holds, its fixed status
      // included.
      found.setStatus(run.getStatus());
      context.managedWorkflowAndDependentResourceContext().reconcileManagedWorkflow();
      Long deadline = PolicyMerge.deadline(run.getSpec(), PolicyWatch.known(run, context));
      job(run, context).ifPresent(job -> RunControl.apply(context.getClient(), run, job, deadline));
    }
    RunObservation seen = follower.observe(run, job(run, context), context);
    if (seen.approvalAsked() != null) {
      follower.answer(
          run, RunStatus.approval(run, seen.approvalAsked(), policies.now(run, context)));
    }
    Instant now = Instant.now();
    SafeFineTune written = StatusWriter.write(run, RunStatus.observed(run, seen, now), context);
    metrics.reconciled(written, before, now);
    if (RunStatus.hasEnded(written)) {
      return finish(written, context);
    }
    UpdateControl<SafeFineTune> done = UpdateControl.noUpdate();
    return RunFollower.looksAgain(seen, RunStatus.begin(written, now), now)
        .map(done::rescheduleAfter)
        .orElse(done);
  }

  private UpdateControl<SafeFineTune> finish(SafeFineTune run, Context<SafeFineTune> context) {
    follower.leave(run);
    job(run, context).ifPresent(job -> RunControl.end(context.getClient(), run, job));
    return TimeToLive.apply(run, context.getClient(), Instant.now());
  }

  private Optional<Job> job(SafeFineTune run, Context<SafeFineTune> context) {
    return trainerJob.getSecondaryResource(run, context);
  }

  @Override
  public ErrorStatusUpdateControl<SafeFineTune> updateErrorStatus(
      SafeFineTune resource, Context<SafeFineTune> context, Exception failure) {
    metrics.troubled(resource, failure);
    return StatusWriter.tell(resource, failure, context);
  }
}
