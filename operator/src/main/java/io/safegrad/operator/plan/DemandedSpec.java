package io.safegrad.operator.plan;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Evaluation;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.api.v1alpha1.Pod;
import io.safegrad.api.v1alpha1.PodBuilder;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneSpecBuilder;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.api.v1alpha1.Safety;
import io.safegrad.api.v1alpha1.Screening;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A spec with what policies demand of it: pure functions. */
public final class DemandedSpec {

  /** What a claimed workspace is measured in; no resource of a container. */
  static final String STORAGE = "storage";

  private DemandedSpec() {}

  /**
   * The spec that runs: the platform's data, and of each threshold the stricter one.
   *
   * @param values what {@link PolicyMerge#strictest} found
   */
  public static SafeFineTuneSpec of(SafeFineTuneSpec spec, List<PolicyValue> values) {
    if (values.isEmpty()) {
      return spec;
    }
    Alignment alignment = spec.safety().alignment();
    Evaluation evaluation = spec.safety().evaluation();
    Safety safety =
        new Safety(
            value(values, PolicyMerge.ALIGNMENT)
                .map(
                    source ->
                        new Alignment(
                            source,
                            value(values, PolicyMerge.ALIGNMENT_REVISION).orElse(null),
                            value(values, PolicyMerge.ALIGNMENT_DIGEST).orElse(null),
                            alignment.secretRef(),
                            alignment.additional(),
                            alignment.heldOutFraction()))
                .orElse(alignment),
            new Evaluation(
                value(values, PolicyMerge.HARMFUL).orElse(evaluation.harmful()),
                value(values, PolicyMerge.HARMLESS).orElse(evaluation.harmless()),
                evaluation.task(),
                value(values, PolicyMerge.MAX_NEW_TOKENS)
                    .map(Integer::valueOf)
                    .orElse(evaluation.maxNewTokens()),
                evaluation.everySteps(),
                digest(
                    values,
                    PolicyMerge.HARMFUL,
                    PolicyMerge.HARMFUL_DIGEST,
                    evaluation.harmfulDigest()),
                digest(
                    values,
                    PolicyMerge.HARMLESS,
                    PolicyMerge.HARMLESS_DIGEST,
                    evaluation.harmlessDigest()),
                evaluation.additionalHarmful(),
                evaluation.additionalHarmless(),
                evaluation.secretRef(),
                value(values, PolicyMerge.JUDGE).map(JudgeValue::parse).orElse(evaluation.judge())),
            gate(spec.safety().gate(), values),
            spec.safety().attribution(),
            value(values, PolicyMerge.SCREENING)
                .map(Screening::valueOf)
                .filter(demanded -> demanded == Screening.LeaveOut)
                .orElse(spec.safety().screening()));
    return SafeFineTuneSpecBuilder.builder(spec)
        .safety(safety)
        .pod(pod(spec.pod(), values))
        .build();
  }

  /** The claim on which a refused adapter is kept; empty when it is discarded. */
  static Optional<String> quarantineClaim(List<PolicyValue> values) {
    return value(values, PolicyMerge.QUARANTINE_CLAIM);
  }

  /** Whether a resource is a device of a node's own kind, as {@code nvidia.com/gpu} is. */
  public static boolean isDevice(String resource) {
    return resource.contains("/");
  }

  /**
   * A run that names no limit gets the policies': who asks for none would get the whole node. Of
   * what it neither limits nor requests nothing is set aside: Kubernetes would take the most that
   * is allowed for what is needed, and no node may have that.
   */
  private static Pod pod(Pod pod, List<PolicyValue> values) {
    ResourceRequirements asked =
        pod.resources() == null ? new ResourceRequirements() : pod.resources();
    Map<String, Quantity> limits = new TreeMap<>();
    values.stream()
        .filter(value -> value.field().startsWith(PolicyMerge.RESOURCES))
        .filter(value -> !isDevice(value.field()))
        .filter(value -> !value.field().equals(PolicyMerge.RESOURCES + STORAGE))
        // Who asks for no huge pages gets none.
        .filter(value -> !value.field().startsWith(PolicyMerge.RESOURCES + "hugepages-"))
        .forEach(
            value ->
                limits.put(
                    value.field().substring(PolicyMerge.RESOURCES.length()),
                    Quantity.parse(value.value())));
    if (limits.isEmpty()) {
      return pod;
    }
    Map<String, Quantity> own = asked.getLimits() == null ? Map.of() : asked.getLimits();
    Map<String, Quantity> requests = new TreeMap<>();
    limits.keySet().stream()
        .filter(name -> !own.containsKey(name))
        .forEach(name -> requests.put(name, new Quantity("0")));
    if (asked.getRequests() != null) {
      requests.putAll(asked.getRequests());
    }
    limits.putAll(own);
    return PodBuilder.builder(pod)
        .resources(
            new ResourceRequirementsBuilder(asked)
                .withLimits(limits)
                .withRequests(requests)
                .build())
        .build();
  }

  /** The stricter one of each threshold. */
  public static Gate gate(Gate gate, List<PolicyValue> values) {
    return new Gate(
        Math.max(gate.minRefusalRate(), number(values, PolicyMerge.MIN_REFUSAL_RATE).orElse(0.0)),
        Math.min(gate.maxRefusalDrop(), number(values, PolicyMerge.MAX_REFUSAL_DROP).orElse(1.0)),
        Math.min(gate.maxOverRefusal(), number(values, PolicyMerge.MAX_OVER_REFUSAL).orElse(1.0)),
        smaller(gate.maxIncoherentRate(), number(values, PolicyMerge.MAX_INCOHERENT_RATE)),
        smaller(gate.maxDataRefusalDrop(), number(values, PolicyMerge.MAX_DATA_REFUSAL_DROP)),
        smaller(
            gate.maxTemplateRefusalDrop(), number(values, PolicyMerge.MAX_TEMPLATE_REFUSAL_DROP)),
        smaller(gate.maxRefusalKl(), number(values, PolicyMerge.MAX_REFUSAL_KL)),
        smaller(gate.compare(), value(values, PolicyMerge.COMPARE).map(Gate.Compare::valueOf)));
  }

  /** Of the platform's data the platform's; a user's own does not fit it. */
  private static String digest(List<PolicyValue> values, String source, String digest, String own) {
    return value(values, source).isPresent() ? value(values, digest).orElse(null) : own;
  }

  /** Null when neither is asked for. */
  private static <T extends Comparable<T>> T smaller(T own, Optional<T> demanded) {
    return Stream.concat(Stream.ofNullable(own), demanded.stream())
        .min(Comparator.naturalOrder())
        .orElse(null);
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
}
