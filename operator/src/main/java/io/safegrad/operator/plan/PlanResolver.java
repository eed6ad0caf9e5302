package io.safegrad.operator.plan;

import io.fabric8.kubernetes.api.model.Quantity;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.PolicyValue;
import io.safegrad.operator.observe.Sentence;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Makes the plan of a resource whose defaults the API server has filled in, and in whose status
 * stands what policies demand of it.
 */
public final class PlanResolver {

  /** The resource's name is the Job's, and the Job's is a label of its pods. */
  private static final int LONGEST_NAME = 63;

  /** Characters of a wrong value in a message. */
  private static final int LONGEST_FOUND = 64;

  private PlanResolver() {}

  /**
   * The run in full.
   *
   * @throws PlanException when the resource asks for something that this operator cannot run
   */
  public static TrainingPlan resolve(SafeFineTune resource) {
    String name = resource.getMetadata().getName();
    if (name.length() > LONGEST_NAME) {
      throw new PlanException(
          "metadata.name has %d characters; at most %d expected, because the Job and the labels of its pods carry it"
              .formatted(name.length(), LONGEST_NAME));
    }
    SafeFineTuneSpec spec = resource.getSpec();
    requireKnown(spec);
    return TrainingPlan.of(resource, demandedSpec(resource), quarantine(resource));
  }

  /** The spec with what policies demanded when the run was accepted. */
  public static SafeFineTuneSpec demandedSpec(SafeFineTune resource) {
    return DemandedSpec.of(resource.getSpec(), policyValues(resource));
  }

  /**
   * Where the run's adapter is kept when the gate refuses it, as an address; null when it is
   * discarded.
   */
  public static String quarantine(SafeFineTune resource) {
    return DemandedSpec.quarantineClaim(policyValues(resource))
        .map(
            claim ->
                "pvc://%s/%s/%s"
                    .formatted(
                        claim,
                        resource.getMetadata().getNamespace(),
                        resource.getMetadata().getName()))
        .orElse(null);
  }

  /**
   * Whether every choice is one that this operator knows, and every quantity is one.
   *
   * @throws PlanException when one is not
   */
  public static void requireKnown(SafeFineTuneSpec spec) {
    known("spec.method.name", spec.method().name());
    known("spec.method.projectionScope", spec.method().projectionScope());
    known("spec.training.mode", spec.training().mode());
    known("spec.training.scheduler", spec.training().scheduler());
    known("spec.safety.evaluation.judge.type", spec.safety().evaluation().judge().type());
    known("spec.safety.gate.compare", spec.safety().gate().compare());
    spec.training()
        .lora()
        .targetModules()
        .forEach(module -> known("spec.training.lora.targetModules", module));
    if (spec.pod().workspace() != null) {
      requireQuantities("spec.pod.workspace", single("size", spec.pod().workspace().size()));
    }
    if (spec.pod().resources() != null) {
      requireQuantities("spec.pod.resources.limits", spec.pod().resources().getLimits());
      requireQuantities("spec.pod.resources.requests", spec.pod().resources().getRequests());
    }
  }

  private static Map<String, Quantity> single(String name, Quantity quantity) {
    return quantity == null ? Map.of() : Map.of(name, quantity);
  }

  /** The CRD takes any text; what is none would be noticed where its field is no longer known. */
  private static void requireQuantities(String field, Map<String, Quantity> quantities) {
    Objects.requireNonNullElse(quantities, Map.<String, Quantity>of())
        .forEach(
            (name, quantity) -> {
              try {
                quantity.getNumericalAmount();
              } catch (IllegalArgumentException | ArithmeticException e) {
                throw new PlanException(
                    "%s.%s: found %s, expected a quantity, for example 2, 500m or 8Gi"
                        .formatted(field, name, Sentence.of(quantity.toString(), LONGEST_FOUND)));
              }
            });
  }

  /** What policies had set when the run was accepted. */
  private static List<PolicyValue> policyValues(SafeFineTune resource) {
    return resource.getStatus() == null || resource.getStatus().policyValues() == null
        ? List.of()
        : resource.getStatus().policyValues();
  }

  /**
   * A value of a newer API is read as null, so that it cannot end the operator's watch; and an
   * older API gives a new field no default.
   */
  private static void known(String field, Enum<?> value) {
    if (value == null) {
      throw new PlanException(
          field
              + " holds a value that this version of the operator does not know, or none, where the"
              + " CRDs are older than it; expected operator and CRDs of one version");
    }
  }
}
