package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Training;
import java.util.Optional;

/** What a user can do about a run that had too little memory. */
final class MemoryHint {

  private MemoryHint() {}

  /** The sentence for a trainer that was killed for its memory. */
  static String killed(SafeFineTuneSpec spec) {
    return limit(spec)
        .map(
            limit ->
                "The trainer was killed at its container's memory limit of %s; %s"
                    .formatted(limit, of(spec)))
        .orElse(
            "The trainer was killed because its node had no memory left; set"
                + " spec.pod.resources.limits.memory and requests.memory, so that it gets a node"
                + " with enough");
  }

  /** What to change, with the values that the run had. */
  static String of(SafeFineTuneSpec spec) {
    Training training = spec.training();
    return "ask for more than %s in spec.pod.resources, or lower spec.training.batchSize (%d) or"
            .formatted(limit(spec).map(Quantity::toString).orElse("it had"), training.batchSize())
        + " spec.training.maxLength (%d)".formatted(training.maxLength());
  }

  private static Optional<Quantity> limit(SafeFineTuneSpec spec) {
    return Optional.ofNullable(spec.pod().resources())
        .map(ResourceRequirements::getLimits)
        .map(limits -> limits.get("memory"));
  }
}
