package io.safegrad.operator;

import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.dependent.PlanConfigMap;
import io.safegrad.operator.dependent.TrainerJob;
import io.safegrad.operator.observe.PolicyWatch;
import io.safegrad.operator.plan.PlanResolver;
import io.safegrad.operator.plan.PolicyCheck;
import io.safegrad.operator.plan.PolicyMerge;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import io.safegrad.operator.status.RunStatus;
import io.safegrad.operator.status.StatusWriter;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;

/** Lets a run begin: nothing is created before its spec is fixed, nothing fixed unchecked. */
@Singleton
public class RunAdmission {

  private final PolicyWatch policies;
  private final TrainerJob trainerJob;

  @Inject
  public RunAdmission(PolicyWatch policies, TrainerJob trainerJob) {
    this.policies = policies;
    this.trainerJob = trainerJob;
  }

  /**
   * Checks a spec that has not started and, unless its user holds it back, fixes it.
   *
   * @return the resource, with its start in the status when it may begin
   * @throws io.safegrad.operator.plan.PlanException when no plan can be made of it, or a policy
   *     does not admit it
   * @throws io.fabric8.kubernetes.client.KubernetesClientException when the API server would refuse
   *     what the plan needs
   */
  SafeFineTune admit(SafeFineTune resource, Context<SafeFineTune> context) {
    SafeFineTune demanded = underPolicy(resource, policies.now(resource, context));
    TrainingPlan plan = PlanResolver.resolve(demanded);
    PlanConfigMap.check(plan);
    trainerJob.check(demanded, context);
    return Boolean.TRUE.equals(resource.getSpec().suspend())
        ? demanded
        : StatusWriter.write(resource, RunStatus.started(demanded, plan, Instant.now()), context);
  }

  private static SafeFineTune underPolicy(SafeFineTune resource, List<SafetyPolicy> policies) {
    PlanResolver.requireKnown(resource.getSpec());
    List<PolicyViolation> violations = PolicyCheck.ofSpec(resource.getSpec(), policies);
    if (!violations.isEmpty()) {
      throw new PolicyViolationException(violations);
    }
    return RunStatus.demanded(resource, PolicyMerge.strictest(policies));
  }
}
