package io.safegrad.operator.plan;

import io.fabric8.kubernetes.api.model.Quantity;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AlignmentSource;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AllowedSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.EvaluationSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.GateBounds;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Limits;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Quarantine;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.RequiredMethod;
import io.safegrad.api.v1alpha1.Screening;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/** The strictest of several policies: pure functions. */
public final class PolicyMerge {

  static final String MIN_REFUSAL_RATE = "gate.minRefusalRate";
  static final String MAX_REFUSAL_DROP = "gate.maxRefusalDrop";
  static final String MAX_OVER_REFUSAL = "gate.maxOverRefusal";
  static final String MAX_INCOHERENT_RATE = "gate.maxIncoherentRate";
  static final String MAX_DATA_REFUSAL_DROP = "gate.maxDataRefusalDrop";
  static final String MAX_TEMPLATE_REFUSAL_DROP = "gate.maxTemplateRefusalDrop";
  static final String MAX_REFUSAL_KL = "gate.maxRefusalKl";
  static final String COMPARE = "gate.compare";
  static final String ALIGNMENT = "alignment.source";
  static final String ALIGNMENT_REVISION = "alignment.revision";
  static final String ALIGNMENT_DIGEST = "alignment.digest";
  static final String HARMFUL = "evaluation.harmful";
  static final String HARMLESS = "evaluation.harmless";
  static final String HARMFUL_DIGEST = "evaluation.harmfulDigest";
  static final String HARMLESS_DIGEST = "evaluation.harmlessDigest";
  static final String MAX_NEW_TOKENS = "evaluation.maxNewTokens";
  static final String JUDGE = "evaluation.judge";
  static final String SCREENING = "screening";
  private static final String DEADLINE = "limits.activeDeadlineSeconds";
  static final String RESOURCES = "limits.resources.";
  private static final String QUARANTINE = "quarantine.rule";
  static final String QUARANTINE_CLAIM = "quarantine.claim";
  private static final int LONGEST_VALUE = 1024;

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
    merge.same(ALIGNMENT_REVISION, policy -> alignment(policy).map(AlignmentSource::revision));
    merge.same(ALIGNMENT_DIGEST, policy -> alignment(policy).map(AlignmentSource::digest));
    merge.same(HARMFUL, policy -> evaluation(policy).map(EvaluationSources::harmful));
    merge.same(HARMLESS, policy -> evaluation(policy).map(EvaluationSources::harmless));
    merge.same(HARMFUL_DIGEST, policy -> evaluation(policy).map(EvaluationSources::harmfulDigest));
    merge.same(
        HARMLESS_DIGEST, policy -> evaluation(policy).map(EvaluationSources::harmlessDigest));
    merge.same(MAX_NEW_TOKENS, policy -> evaluation(policy).map(EvaluationSources::maxNewTokens));
    merge.same(
        JUDGE, policy -> evaluation(policy).map(EvaluationSources::judge).map(JudgeValue::of));
    merge.same(
        QUARANTINE_CLAIM,
        policy ->
            quarantine(policy)
                .filter(one -> one.rule() == Quarantine.Rule.Keep)
                .map(Quarantine::claim));
    merge.lists();
    return List.copyOf(merge.values);
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
    return DemandedSpec.gate(DemandedSpec.gate(gate, fixed), merge.values);
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
        Comparator.<RequiredMethod>naturalOrder());
    largest(
        "minimumAlignmentWeight", policy -> Optional.ofNullable(policy.minimumAlignmentWeight()));
    smallest(
        "maxAlignmentRefreshSteps", policy -> Optional.ofNullable(policy.alignmentRefreshBound()));
    largest(MIN_REFUSAL_RATE, policy -> bounds(policy).map(GateBounds::minRefusalRate));
    smallest(MAX_REFUSAL_DROP, policy -> bounds(policy).map(GateBounds::maxRefusalDrop));
    smallest(MAX_OVER_REFUSAL, policy -> bounds(policy).map(GateBounds::maxOverRefusal));
    smallest(MAX_INCOHERENT_RATE, policy -> bounds(policy).map(GateBounds::maxIncoherentRate));
    smallest(MAX_DATA_REFUSAL_DROP, policy -> bounds(policy).map(GateBounds::maxDataRefusalDrop));
    smallest(
        MAX_TEMPLATE_REFUSAL_DROP,
        policy -> bounds(policy).map(GateBounds::maxTemplateRefusalDrop));
    smallest(MAX_REFUSAL_KL, policy -> bounds(policy).map(GateBounds::maxRefusalKl));
    strictest(
        COMPARE,
        policy -> bounds(policy).map(GateBounds::compare),
        Comparator.<Gate.Compare>naturalOrder());
    strictest(
        SCREENING,
        policy -> Optional.ofNullable(policy.screening()),
        Comparator.<Screening>naturalOrder());
    smallest("limits.maxSteps", policy -> limits(policy).map(Limits::maxSteps));
    smallest("limits.maxEpochs", policy -> limits(policy).map(Limits::maxEpochs));
    smallest(DEADLINE, policy -> limits(policy).map(Limits::activeDeadlineSeconds));
    policies.stream()
        .flatMap(policy -> resources(policy.getSpec()).keySet().stream())
        .distinct()
        .sorted()
        .forEach(
            name ->
                strictest(
                    RESOURCES + name,
                    policy -> Optional.ofNullable(resources(policy).get(name)),
                    Comparator.comparing(Quantity::getNumericalAmount)));
    strictest(
        "requirePinnedRevision",
        policy -> Optional.ofNullable(policy.requirePinnedRevision()),
        Comparator.<Boolean>reverseOrder());
    // What is kept may be looked into; what is gone may not.
    strictest(
        QUARANTINE,
        policy -> quarantine(policy).map(Quarantine::rule),
        Comparator.<Quarantine.Rule>naturalOrder());
  }

  /** Of several lists, each holds: an address or an image must match one pattern of every list. */
  private void lists() {
    each("allowedSources.model", policy -> sources(policy).map(AllowedSources::model));
    each("allowedSources.data", policy -> sources(policy).map(AllowedSources::data));
    each("allowedDestinations", policy -> Optional.ofNullable(policy.allowedDestinations()));
    each("allowedImages", policy -> Optional.ofNullable(policy.allowedImages()));
  }

  private void each(String field, Function<SafetyPolicySpec, Optional<List<String>>> getter) {
    for (SafetyPolicy policy : policies) {
      getter
          .apply(policy.getSpec())
          .map(patterns -> patterns.isEmpty() ? "none" : String.join(", ", patterns))
          .ifPresent(
              text ->
                  add(field, text.substring(0, Math.min(text.length(), LONGEST_VALUE)), policy));
    }
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
                    field.startsWith("quarantine") ? field : "spec.safety." + field,
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

  private static Optional<GateBounds> bounds(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.gate());
  }

  private static Optional<AlignmentSource> alignment(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.alignment());
  }

  private static Optional<EvaluationSources> evaluation(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.evaluation());
  }

  private static Optional<Quarantine> quarantine(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.quarantine());
  }

  private static Optional<AllowedSources> sources(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.allowedSources());
  }

  private static Map<String, Quantity> resources(SafetyPolicySpec policy) {
    return limits(policy).map(Limits::resources).orElse(Map.of());
  }

  private static Optional<Limits> limits(SafetyPolicySpec policy) {
    return Optional.ofNullable(policy.limits());
  }
}
