package io.safegrad.operator.plan;

import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.GateBounds;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.RequiredMethod;
import io.safegrad.api.v1alpha1.Screening;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A run against the policies of its namespace: a pure function. Each policy is asked on its own, so
 * the strictest of each field wins.
 */
public final class PolicyCheck {

  /** Each of them demands the default evaluation: {@link SafetyPolicySpec#demandsEvaluation}. */
  static final String MEASURES = "gate, evaluation, screening";

  private final SafeFineTuneSpec spec;
  private final boolean started;
  private final List<PolicyValue> fixed;
  private final List<PolicyViolation> found = new ArrayList<>();

  private PolicyCheck(SafeFineTuneSpec spec, boolean started, List<PolicyValue> fixed) {
    this.spec = spec;
    this.started = started;
    this.fixed = fixed;
  }

  /**
   * What a spec that has not started asks for against the policies. A value at its default is none
   * of them where the policy's takes its place: see {@link PolicyMerge}.
   */
  public static List<PolicyViolation> ofSpec(SafeFineTuneSpec spec, List<SafetyPolicy> policies) {
    return new PolicyCheck(spec, false, List.of()).against(policies);
  }

  /**
   * What a run did against the policies. Its thresholds and its deadline are not among it: they are
   * enforced as they are now.
   *
   * @param spec the spec as its user wrote it
   * @param fixed the values that policies had set when it started
   * @param policies the policies as they are now
   */
  public static List<PolicyViolation> ofRun(
      SafeFineTuneSpec spec, List<PolicyValue> fixed, List<SafetyPolicy> policies) {
    return new PolicyCheck(DemandedSpec.of(spec, fixed), true, fixed).against(policies);
  }

  private List<PolicyViolation> against(List<SafetyPolicy> policies) {
    policies.stream()
        .sorted(Comparator.comparing(policy -> policy.getMetadata().getName()))
        .forEach(this::check);
    return List.copyOf(found);
  }

  private void check(SafetyPolicy policy) {
    String name = policy.getMetadata().getName();
    for (String rule : NotUnderstood.of(policy)) {
      new Violations(name, found)
          .add(
              "SafetyPolicy " + name,
              rule,
              "what this operator does not know",
              "fields and values of its own version expected");
    }
    check(name, policy.getSpec());
  }

  private void check(String name, SafetyPolicySpec demanded) {
    Violations policy = new Violations(name, found);
    method(policy, demanded);
    if (!started && demanded.gate() != null) {
      gate(policy, demanded.gate());
    }
    if (demanded.attribution() != null
        && Boolean.FALSE.equals(demanded.attribution().excerpts())
        && Boolean.TRUE.equals(spec.safety().attribution().excerpts())) {
      policy.add(
          "spec.safety.attribution.excerpts", "attribution.excerpts", true, "false expected");
    }
    // Before the start the policy's takes the place of the run's own.
    if (started
        && demanded.screening() == Screening.LeaveOut
        && spec.safety().screening() != Screening.LeaveOut) {
      policy.add(
          "spec.safety.screening",
          PolicyMerge.SCREENING,
          spec.safety().screening(),
          Screening.LeaveOut + " expected");
    }
    judge(policy, demanded);
    new SourceRules(spec, started, fixed, policy).check(demanded);
    policy.unlessAllowed(
        "spec.output.destination",
        spec.output().destination(),
        "allowedDestinations",
        demanded.allowedDestinations());
    String image = spec.pod().image();
    if (image != null && demanded.allowedImages() != null) {
      policy.unlessAllowed("spec.pod.image", image, "allowedImages", demanded.allowedImages());
    }
    if (demanded.limits() != null) {
      new LimitRules(spec, started, policy).check(demanded.limits());
    }
  }

  private void method(Violations policy, SafetyPolicySpec demanded) {
    Method method = spec.method();
    RequiredMethod required = demanded.requiredMethod();
    if (required != null && !required.isSatisfiedBy(method.name())) {
      policy.add("spec.method.name", "requiredMethod", method.name(), required + " expected");
    }
    Double least = demanded.minimumAlignmentWeight();
    boolean weighted = method.name().hasAlignmentWeight();
    if (least != null && (weighted ? method.alignmentWeight() : 0) < least) {
      policy.add(
          "spec.method.alignmentWeight",
          "minimumAlignmentWeight",
          weighted ? method.alignmentWeight() : "none (" + method.name() + ")",
          "at least " + least + " expected");
    }
    Integer refresh = demanded.alignmentRefreshBound();
    if (refresh != null && method.alignmentRefreshSteps() > refresh) {
      policy.add(
          "spec.method.alignmentRefreshSteps",
          demanded.maxAlignmentRefreshSteps() == null
              ? "requiredMethod, minimumAlignmentWeight"
              : "maxAlignmentRefreshSteps",
          method.alignmentRefreshSteps(),
          "at most " + refresh + " expected");
    }
  }

  /**
   * The platform's takes the default's place before the start. A policy that names no judge wants
   * none of the tenant's own, and leaves alone what another policy named.
   */
  private void judge(Violations policy, SafetyPolicySpec demanded) {
    Judge found = spec.safety().evaluation().judge();
    Judge expected = demanded.demandedJudge();
    boolean named = demanded.evaluation() != null && demanded.evaluation().judge() != null;
    boolean replaced = !started && found.equals(Judge.DEFAULT);
    boolean ofAnother =
        !named
            && fixed.stream()
                .filter(value -> value.field().equals(PolicyMerge.JUDGE))
                .anyMatch(value -> value.value().equals(JudgeValue.of(found)));
    if (expected != null && !found.equals(expected) && !replaced && !ofAnother) {
      policy.add(
          "spec.safety.evaluation.judge",
          named ? PolicyMerge.JUDGE : MEASURES,
          JudgeValue.of(found),
          JudgeValue.of(expected) + " expected");
    }
    if (found.endpoint() != null && !found.equals(expected) && !ofAnother) {
      // What is asked there leaves the cluster as much as what is written elsewhere.
      policy.unlessAllowed(
          "spec.safety.evaluation.judge.endpoint.baseUrl",
          found.endpoint().baseUrl(),
          "allowedDestinations",
          demanded.allowedDestinations());
    }
  }

  private void gate(Violations policy, GateBounds bounds) {
    Gate gate = spec.safety().gate();
    if (bounds.minRefusalRate() != null
        && gate.minRefusalRate() < bounds.minRefusalRate()
        && !gate.minRefusalRate().equals(Gate.DEFAULT.minRefusalRate())) {
      policy.add(
          "spec.safety.gate.minRefusalRate",
          "gate.minRefusalRate",
          gate.minRefusalRate(),
          "at least " + bounds.minRefusalRate() + " expected");
    }
    atMost(
        policy,
        "maxRefusalDrop",
        gate.maxRefusalDrop(),
        Gate.DEFAULT.maxRefusalDrop(),
        bounds.maxRefusalDrop());
    atMost(
        policy,
        "maxOverRefusal",
        gate.maxOverRefusal(),
        Gate.DEFAULT.maxOverRefusal(),
        bounds.maxOverRefusal());
    atMost(policy, "maxIncoherentRate", gate.maxIncoherentRate(), null, bounds.maxIncoherentRate());
    atMost(
        policy, "maxDataRefusalDrop", gate.maxDataRefusalDrop(), null, bounds.maxDataRefusalDrop());
    atMost(
        policy,
        "maxTemplateRefusalDrop",
        gate.maxTemplateRefusalDrop(),
        null,
        bounds.maxTemplateRefusalDrop());
    atMost(
        policy,
        "maxRefusalKl",
        gate.maxRefusalKl(),
        Gate.DEFAULT.maxRefusalKl(),
        bounds.maxRefusalKl());
  }

  private static void atMost(
      Violations policy, String field, Double found, Double standard, Double bound) {
    if (bound != null && found != null && found > bound && !found.equals(standard)) {
      policy.add(
          "spec.safety.gate." + field, "gate." + field, found, "at most " + bound + " expected");
    }
  }
}
