package io.safegrad.trainer.inspect;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.run.MemoryLimit;
import io.safegrad.trainer.run.PlannedMemory;
import io.safegrad.trainer.run.TrainerProcess;
import io.safegrad.trainer.source.SourceResolver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Tells what a run of a manifest would need of memory, and whether it fits. */
public final class ManifestInspection {

  private ManifestInspection() {}

  /**
   * Reads the manifest, its model's configuration and its data.
   *
   * @param workspace for files that are removed again
   * @throws io.safegrad.trainer.TrainerException as the run would
   */
  public static Inspection of(Path file, SourceResolver resolver, Path workspace)
      throws IOException {
    SafeFineTune manifest = TrainerProcess.readManifest(file);
    TrainingPlan plan = TrainingPlan.of(manifest);
    MemoryEstimate estimate = PlannedMemory.of(plan, resolver, workspace);
    MemoryLimit limit = limit(manifest).orElseGet(MemoryLimit::ofThisProcess);
    Optional<String> problem = limit.exceededBy(estimate);

    Inspection inspection = new Inspection(file, "manifest of a run");
    ObjectNode facts = inspection.facts();
    facts.put("run", plan.run());
    facts.put("plan", plan.digest());
    facts.put("memoryEstimateBytes", estimate.bytes());
    facts.put("peak", estimate.moment().label());
    ObjectNode parts = facts.putObject("parts");
    estimate.labelledParts().forEach(parts::put);
    facts.put("limitBytes", limit.bytes());
    facts.put("limit", limit.of());
    facts.put("fits", problem.isEmpty());
    problem.ifPresent(inspection::problem);
    return inspection;
  }

  private static Optional<MemoryLimit> limit(SafeFineTune manifest) {
    return Optional.ofNullable(manifest.getSpec().pod().resources())
        .map(ResourceRequirements::getLimits)
        .map(limits -> limits.get("memory"))
        .map(Quantity::getNumericalAmount)
        .map(bytes -> new MemoryLimit(bytes.longValue(), "spec.pod.resources.limits.memory"));
  }
}
