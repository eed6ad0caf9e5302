package io.safegrad.operator.plan;

import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.AllowedSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.EvaluationSources;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.GateBounds;
import io.safegrad.api.v1alpha1.SafetyPolicySpec.Limits;
import io.safegrad.api.v1alpha1.Training;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * A run against the policies of its namespace: a pure function. Each policy is asked on its own, so
 * the strictest of each field wins.
 */
public final class PolicyCheck {

  private final SafeFineTuneSpec spec;
  private final boolean started;
  private final List<PolicyValue> fixed;
  private final List<PolicyViolation> violations = new ArrayList<>();

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
    return new PolicyCheck(PolicyMerge.apply(spec, fixed), true, fixed).against(policies);
  }

  private List<PolicyViolation> against(List<SafetyPolicy> policies) {
    policies.stream()
        .sorted(Comparator.comparing(policy -> policy.getMetadata().getName()))
        .forEach(policy -> check(policy.getMetadata().getName(), policy.getSpec()));
    return List.copyOf(violations);
  }

  private void check(String policy, SafetyPolicySpec demanded) {
    method(policy, demanded);
    if (!started && demanded.gate() != null) {
      gate(policy, demanded.gate());
    }
    sources(policy, demanded);
    allowed(
        policy,
        "spec.output.destination",
        spec.output().destination(),
        "allowedDestinations",
        demanded.allowedDestinations());
    String image = spec.pod().image();
    if (image != null && demanded.allowedImages() != null) {
      allowed(policy, "spec.pod.image", image, "allowedImages", demanded.allowedImages());
    }
    if (demanded.limits() != null) {
      limits(policy, demanded.limits());
    }
  }

  private void method(String policy, SafetyPolicySpec demanded) {
    Method.Name required = demanded.requiredMethod();
    Method.Name found = spec.method().name();
    // The constants stand in the order of their strictness, the strictest first.
    if (required != null && found.compareTo(required) > 0) {
      violated(policy, "spec.method.name", "requiredMethod", found, required + " expected");
    }
    Double least = demanded.minimumAlignmentWeight();
    double weight = found == Method.Name.Sft ? 0 : spec.method().alignmentWeight();
    if (least != null && weight < least) {
      violated(
          policy,
          "spec.method.alignmentWeight",
          "minimumAlignmentWeight",
          found == Method.Name.Sft ? "none (Sft)" : weight,
          "at least " + least + " expected");
    }
  }

  private void gate(String policy, GateBounds bounds) {
    Gate gate = spec.safety().gate();
    if (bounds.minRefusalRate() != null
        && gate.minRefusalRate() < bounds.minRefusalRate()
        && !gate.minRefusalRate().equals(Gate.DEFAULT.minRefusalRate())) {
      violated(
          policy,
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
  }

  private void atMost(String policy, String field, Double found, Double standard, Double bound) {
    if (bound != null && found > bound && !found.equals(standard)) {
      violated(
          policy,
          "spec.safety.gate." + field,
          "gate." + field,
          found,
          "at most " + bound + " expected");
    }
  }

  private void sources(String policy, SafetyPolicySpec demanded) {
    AllowedSources allowed =
        demanded.allowedSources() == null
            ? new AllowedSources(null, null)
            : demanded.allowedSources();
    allowed(
        policy,
        "spec.model.source",
        spec.model().source(),
        "allowedSources.model",
        allowed.model());
    allowed(
        policy,
        "spec.dataset.source",
        spec.dataset().source(),
        "allowedSources.data",
        allowed.data());
    Evaluation evaluation = spec.safety().evaluation();
    if (evaluation.task() != null) {
      allowed(
          policy,
          "spec.safety.evaluation.task",
          evaluation.task(),
          "allowedSources.data",
          allowed.data());
    }
    platform(
        policy,
        "alignment.source",
        spec.safety().alignment().source(),
        Alignment.DEFAULT.source(),
        demanded.alignment() == null ? null : demanded.alignment().source(),
        allowed);
    EvaluationSources prompts =
        demanded.evaluation() == null
            ? new EvaluationSources(null, null, null)
            : demanded.evaluation();
    platform(
        policy,
        "evaluation.harmful",
        evaluation.harmful(),
        Evaluation.DEFAULT.harmful(),
        prompts.harmful(),
        allowed);
    platform(
        policy,
        "evaluation.harmless",
        evaluation.harmless(),
        Evaluation.DEFAULT.harmless(),
        prompts.harmless(),
        allowed);
    platform(
        policy,
        "evaluation.maxNewTokens",
        evaluation.maxNewTokens(),
        Evaluation.DEFAULT.maxNewTokens(),
        prompts.maxNewTokens(),
        null);
  }

  /** A value of the platform's takes the place of the default; nobody else may name another. */
  private void platform(
      String policy,
      String field,
      Object found,
      Object standard,
      Object platform,
      AllowedSources allowed) {
    boolean replaced = !started && found.equals(standard);
    if (platform != null) {
      writable(policy, field, platform.toString());
      if (!found.equals(platform) && !replaced) {
        violated(policy, "spec.safety." + field, field, found, platform + " expected");
      }
    } else if (allowed != null
        && !found.equals(standard)
        && fixed.stream().noneMatch(value -> value.field().equals(field))) {
      allowed(
          policy, "spec.safety." + field, found.toString(), "allowedSources.data", allowed.data());
    }
  }

  /** The claim of the output is mounted for writing, and the platform's data must not be. */
  private void writable(String policy, String field, String platform) {
    String destination = spec.output().destination();
    if (platform.startsWith("pvc://") && claim(platform).equals(claim(destination))) {
      violated(
          policy,
          "spec.output.destination",
          field,
          destination,
          "another claim than that of the platform's " + platform + " expected");
    }
  }

  private static String claim(String source) {
    return source.startsWith("pvc://") ? source.split("/", 4)[2] : "";
  }

  private void limits(String policy, Limits limits) {
    Training training = spec.training();
    if (training.maxSteps() != null) {
      if (limits.maxSteps() == null && limits.maxEpochs() != null) {
        violated(
            policy,
            "spec.training.maxSteps",
            "limits.maxEpochs",
            training.maxSteps(),
            "none expected, and at most " + limits.maxEpochs() + " epochs");
      }
      limit(policy, "training.maxSteps", training.maxSteps(), "maxSteps", limits.maxSteps());
    } else if (limits.maxEpochs() != null) {
      limit(policy, "training.epochs", training.epochs(), "maxEpochs", limits.maxEpochs());
    } else if (limits.maxSteps() != null) {
      violated(
          policy,
          "spec.training.maxSteps",
          "limits.maxSteps",
          "none",
          "at most " + limits.maxSteps() + " expected");
    }
    if (!started && spec.activeDeadlineSeconds() != null) {
      limit(
          policy,
          "activeDeadlineSeconds",
          spec.activeDeadlineSeconds(),
          "activeDeadlineSeconds",
          limits.activeDeadlineSeconds());
    }
  }

  private void limit(String policy, String field, Number found, String rule, Number most) {
    if (most != null && found.longValue() > most.longValue()) {
      violated(policy, "spec." + field, "limits." + rule, found, "at most " + most + " expected");
    }
  }

  private void allowed(
      String policy, String field, String found, String rule, List<String> patterns) {
    if (patterns != null && patterns.stream().noneMatch(glob -> Glob.matches(glob, found))) {
      String expected =
          patterns.isEmpty()
              ? "none expected"
              : "one of " + String.join(", ", patterns) + " expected";
      violated(policy, field, rule, found, expected);
    }
  }

  private void violated(String policy, String field, String rule, Object found, String expected) {
    violations.add(new PolicyViolation(field, rule, Objects.toString(found), expected, policy));
  }
}
