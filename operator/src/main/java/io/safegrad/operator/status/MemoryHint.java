package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.api.v1alpha1.Training;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a user can do about a run that had too little memory.
 *
 * @param spec what was asked for
 * @param estimateBytes what the trainer expected to need; null when it was not heard to say
 */
record MemoryHint(SafeFineTuneSpec spec, Long estimateBytes) {

  private static final long MIB = 1 << 20;
  private static final long GIB = 1 << 30;

  /** Suggested limits are multiples of this. */
  private static final long STEP = 256 * MIB;

  /** What the estimate may be too small by; the trainer's tests hold it to that. */
  private static final double MARGIN = 1.15;

  /** How much more to try when the estimate was no more than what the run had. */
  private static final double NEXT_LIMIT = 1.25;

  /** The sentence for a trainer that was killed for its memory. */
  String killed() {
    if (limit().isPresent()) {
      return "The trainer was killed at its container's memory limit of %s; %s"
          .formatted(limit().get(), advice());
    }
    return "The trainer was killed because its node had no memory left; "
        + (estimateBytes == null
            ? "set spec.pod.resources.limits.memory and requests.memory"
            : "it expected to need %s: set spec.pod.resources.limits.memory and requests.memory to %s"
                .formatted(shown(estimateBytes), shown(enough())))
        + ", so that it gets a node with enough";
  }

  /** What to change, with the values that the run had. */
  String advice() {
    String more =
        estimateBytes == null
            ? "ask for more than %s in spec.pod.resources"
                .formatted(limit().map(Quantity::toString).orElse("it had"))
            : "it expected to need %s: set spec.pod.resources.limits.memory to %s"
                .formatted(shown(estimateBytes), shown(enough()));
    return more + ", or " + String.join(", or ", less());
  }

  /** The fields that make a run need less and that can still go down. */
  private List<String> less() {
    Training training = spec.training();
    List<String> fields = new ArrayList<>();
    fields.add(
        training.batchSize() > 1
            ? "lower spec.training.batchSize (%d) or spec.training.maxLength (%d)"
                .formatted(training.batchSize(), training.maxLength())
            : "lower spec.training.maxLength (%d)".formatted(training.maxLength()));
    if (training.gradientCheckpointingOrDefault() != Training.GradientCheckpointing.Always) {
      fields.add("set spec.training.gradientCheckpointing: Always");
    }
    if (training.mode() == Training.Mode.Lora && spec.model().storage() == Model.Storage.Float32) {
      fields.add("set spec.model.storage: BFloat16");
    }
    return fields;
  }

  /** A limit that the run should fit in. */
  private long enough() {
    double needed = Math.max(MARGIN * estimateBytes, limit().map(this::beyond).orElse(0.0));
    return (long) Math.ceil(needed / STEP) * STEP;
  }

  /** The least to try after a limit that was too small, whatever the estimate. */
  private double beyond(Quantity limit) {
    double had = limit.getNumericalAmount().doubleValue();
    return estimateBytes <= had ? NEXT_LIMIT * had : 0;
  }

  private Optional<Quantity> limit() {
    return Optional.ofNullable(spec.pod().resources())
        .map(ResourceRequirements::getLimits)
        .map(limits -> limits.get("memory"));
  }

  /** As Kubernetes writes it. */
  private static String shown(long bytes) {
    return bytes % GIB == 0 ? bytes / GIB + "Gi" : (bytes + MIB - 1) / MIB + "Mi";
  }
}
