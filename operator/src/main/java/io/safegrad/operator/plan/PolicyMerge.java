package io.safegrad.operator.plan;

import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.Safety;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AlignmentSource;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.EvaluationSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.GateBounds;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Limits;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** The strictest of several policies, and a spec with it: pure functions. */
public final class PolicyMerge {

  private static final String MIN_REFUSAL_RATE = "gate.minRefusalRate";
  private static final String MAX_REFUSAL_DROP = "gate.maxRefusalDrop";
  private static final String MAX_OVER_REFUSAL = "gate.maxOverRefusal";
  private static final String ALIGNMENT = "alignment.source";
  private static final String HARMFUL = "evaluation.harmful";
  private static final String HARMLESS = "evaluation.harmless";
  private static final String MAX_NEW_TOKENS = "evaluation.maxNewTokens";
  private static final String DEADLINE = "limits.activeDeadlineSeconds";

  private final List<SafetyPolicy> policies;
  private final List<PolicyValue> values = new ArrayList<>();

  private PolicyMerge(List<SafetyPolicy> policies) {
    this.policies =
        policies.stream()
            .sorted(Comparator.comparing(policy -> policy.getMetadata().getName()))
            .toList();
  }

  /**
   * The strictest value of each field, and whose it is.
   *
   * @throws PlanException when two policies name different data: no run can satisfy both
   */
  public static List<PolicyValue> strictest(List<SafetyPolicy> policies) {
    PolicyMerge merge = new PolicyMerge(policies);
    merge.bounds();
    merge.same(ALIGNMENT, policy -> alignment(policy).map(AlignmentSource::source));
    merge.same(HARMFUL, policy -> evaluation(policy).map(EvaluationSources::harmful));
    merge.same(HARMLESS, policy -> evaluation(policy).map(EvaluationSources::harmless));
    merge.same(MAX_NEW_TOKENS, policy -> evaluation(policy).map(EvaluationSources::maxNewTokens));
    return List.copyOf(merge.values);
  }

  /**
   * The spec that runs: the platform's data, and of each threshold the stricter one.
   *
   * @param values what {@link #strictest} found
   */
  public static SafeFineTuneSpec apply(SafeFineTuneSpec spec, List<PolicyValue> values) {
    if (values.isEmpty()) {
      return spec;
    }
    Evaluation evaluation = spec.safety().evaluation();
    Safety safety =
        new Safety(
            value(values, ALIGNMENT)
                .map(source -> new Alignment(source, null, null))
                .orElse(spec.safety().alignment()),
            new Evaluation(
                value(values, HARMFUL).orElse(evaluation.harmful()),
                value(values, HARMLESS).orElse(evaluation.harmless()),
                evaluation.task(),
                value(values, MAX_NEW_TOKENS)
                    .map(Integer::valueOf)
                    .orElse(evaluation.maxNewTokens()),
                evaluation.secretRef()),
            gate(spec.safety().gate(), values));
    return new SafeFineTuneSpec(
        spec.model(),
        spec.dataset(),
        spec.method(),
        spec.training(),
        safety,
        spec.output(),
        spec.pod(),
        spec.suspend(),
        spec.activeDeadlineSeconds(),
        spec.ttlSecondsAfterFinished());
  }

  /** The stricter one of each threshold. */
  public static Gate gate(Gate gate, List<PolicyValue> values) {
    return new Gate(
        Math.max(gate.minRefusalRate(), number(values, MIN_REFUSAL_RATE).orElse(0.0)),
        Math.min(gate.maxRefusalDrop(), number(values, MAX_REFUSAL_DROP).orElse(1.0)),
        Math.min(gate.maxOverRefusal(), number(values, MAX_OVER_REFUSAL).orElse(1.0)));
  }

  /**
   * The gate of a verdict: the stricter one of what was fixed at the start and what holds now.
   *
   * @param fixed the values that policies had set when the run started
   * @param now the policies as they are now
   */
  public static Gate gateNow(Gate gate, List<PolicyValue> fixed, List<SafetyPolicy> now) {
    PolicyMerge merge = new PolicyMerge(now);
    merge.bounds();
    return gate(gate(gate, fixed), merge.values);
  }

  /** The shorter one of a run's own deadline and the policies', in seconds; null for no limit. */
  public static Long deadline(SafeFineTuneSpec spec, List<SafetyPolicy> policies) {
    return Stream.concat(
            Stream.ofNullable(spec.activeDeadlineSeconds()),
            policies.stream()
                .flatMap(policy -> limits(policy.getSpec()).stream())
                .flatMap(limits -> Stream.ofNullable(limits.activeDeadlineSeconds())))
        .min(Comparator.naturalOrder())
        .orElse(null);
  }

  private void bounds() {
    // The constants stand in the order of their strictness, the strictest first.
    strictest(
        "requiredMethod",
        policy -> Optional.ofNullable(policy.requiredMethod()),
        Comparator.<Method.Name>naturalOrder());
    largest(
        "minimumAlignmentWeight", policy -> Optional.ofNullable(policy.minimumAlignmentWeight()));
    largest(MIN_REFUSAL_RATE, policy -> bounds(policy).map(GateBounds::minRefusalRate));
    smallest(MAX_REFUSAL_DROP, policy -> bounds(policy).map(GateBounds::maxRefusalDrop));
    smallest(MAX_OVER_REFUSAL, policy -> bounds(policy).map(GateBounds::maxOverRefusal));
    smallest("limits.maxSteps", policy -> limits(policy).map(Limits::maxSteps));
    smallest("limits.maxEpochs", policy -> limits(policy).map(Limits::maxEpochs));
    smallest(DEADLINE, policy -> limits(policy).map(Limits::activeDeadlineSeconds));
  }

  private <T extends Comparable<T>> void smallest(
      String field, Function<SafetyPolicySpec, Optional<T>> getter) {
    strictest(field, getter, Comparator.<T>naturalOrder());
  }

  private <T extends Comparable<T>> void largest(
      String field, Function<SafetyPolicySpec, Optional<T>> getter) {
    strictest(field, getter, Comparator.<T>reverseOrder());
  }

  private <T> void strictest(
      String field, Function<SafetyPolicySpec, Optional<T>> getter, Comparator<T> strictestFirst) {
    policies.stream()
        .filter(policy -> getter.apply(policy.getSpec()).isPresent())
        .min(
            Comparator.comparing(
                policy -> getter.apply(policy.getSpec()).orElseThrow(), strictestFirst))
        .ifPresent(policy -> add(field, getter.apply(policy.getSpec()).orElseThrow(), policy));
  }

  /** Data cannot be strict: where two policies name any, it must be the same. */
  private <T> void same(String field, Function<SafetyPolicySpec, Optional<T>> getter) {
    SafetyPolicy first = null;
    for (SafetyPolicy policy : policies) {
      Optional<T> value = getter.apply(policy.getSpec());
      if (value.isEmpty()) {
        continue;
      }
      if (first == null) {
        first = policy;
        add(field, value.get(), policy);
      } else if (!value.equals(getter.apply(first.getSpec()))) {
        throw new PolicyViolationException(
            List.of(
                new PolicyViolation(
                    "spec.safety." + field,
                    field,
                    getter.apply(first.getSpec()).orElseThrow()
                        + " in SafetyPolicy "
                        + first.getMetadata().getName(),
                    value.get() + " expected; the platform's owner must make them agree",
                    policy.getMetadata().getName())));
      }
    }
  }

  private void add(String field, Object value, SafetyPolicy policy) {
    values.add(new PolicyValue(field, value.toString(), policy.getMetadata().getName()));
  }

  private static Optional<String> value(List<PolicyValue> values, String field) {
    return values.stream()
        .filter(value -> value.field().equals(field))
        .map(PolicyValue::value)
        .findFirst();
  }

  private static Optional<Double> number(List<PolicyValue> values, String field) {
    return value(values, field).map(Double::valueOf);
  }

  private static Optional<GateBounds> bounds(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.gate());
  }

  private static Optional<AlignmentSource> alignment(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.alignment());
  }

  private static Optional<EvaluationSources> evaluation(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.evaluation());
  }

  private static Optional<Limits> limits(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.limits());
  }
}
