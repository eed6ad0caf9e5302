package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.crd.generator.annotation.PrinterColumn;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;

/** What the operator observed. Rates are text with a percent sign where they are for people. */
public record SafeFineTuneStatus(
    @JsonPropertyDescription("Generation of the spec that this status speaks of.")
        Long observedGeneration,
    @PrinterColumn(name = "Phase") @JsonPropertyDescription("Where the run stands.") Phase phase,
    @PrinterColumn(name = "Progress")
        @Size(max = 64)
        @JsonPropertyDescription("Optimizer steps done of all steps, for example 120/400 (30%).")
        String progress,
    @PrinterColumn(name = "Conflict")
        @Size(max = 16)
        @JsonPropertyDescription(
            "Share of the steps in which the user's gradient conflicted with the alignment"
                + " gradient.")
        String conflict,
    @PrinterColumn(name = "Refusal")
        @Size(max = 32)
        @JsonPropertyDescription(
            "Share of harmful prompts refused: by the start model, and then by the fine-tuned one.")
        String refusal,
    @Size(max = 64)
        @JsonPropertyDescription("When the Job was created. The spec is fixed from here on.")
        String startTime,
    @Size(max = 64) @JsonPropertyDescription("When the run ended.") String completionTime,
    @Size(max = 253) @JsonPropertyDescription("The Job that runs the trainer.") String jobName,
    @Size(max = 128) @JsonPropertyDescription("Digest of the plan that the Job runs.")
        String planDigest,
    @Size(max = 256)
        @JsonPropertyDescription(
            "What SafetyPolicies demand of the run: of several on one field, the strictest; of lists,"
                + " each.")
        List<PolicyValue> policyValues,
    @JsonPropertyDescription("Seconds the run is expected to take from now on.") Long etaSeconds,
    @JsonPropertyDescription("Figures of the run, as numbers.") Measurements measurements,
    @JsonPropertyDescription("What was published.") Artifact artifact,
    @Size(max = 16)
        @JsonPropertyDescription(
            "Accepted, Succeeded, SafetyGatePassed, and for kstatus Ready, Reconciling and Stalled.")
        List<Condition> conditions) {

  /** A value that a SafetyPolicy set. */
  public record PolicyValue(
      @Size(max = 128) @JsonPropertyDescription("The field of the SafetyPolicy.") String field,
      @Size(max = 1024) @JsonPropertyDescription("The value.") String value,
      @Size(max = 253) @JsonPropertyDescription("The SafetyPolicy's name.") String policy) {}

  /** Figures of the run. Each is absent until it is known. */
  public record Measurements(
      @JsonPropertyDescription("Optimizer steps done.") Integer step,
      @JsonPropertyDescription("Optimizer steps of the whole run.") Integer totalSteps,
      @JsonPropertyDescription("Mean cross-entropy of the newest step, in nats.") Double loss,
      @JsonPropertyDescription("Mean KL on the alignment batch at the newest step, in nats.")
          Double alignmentLoss,
      @JsonPropertyDescription("Share of the steps with conflicting gradients.")
          Double conflictRatio,
      @JsonPropertyDescription("Refusal rate of the start model.") Double baselineRefusalRate,
      @JsonPropertyDescription("Refusal rate of the fine-tuned model.") Double refusalRate,
      @JsonPropertyDescription("Over-refusal rate of the fine-tuned model.") Double overRefusalRate,
      @JsonPropertyDescription("Accuracy of the fine-tuned model on the user's task.")
          Double taskAccuracy) {}

  /** What was published. */
  public record Artifact(
      @Size(max = 1024) @JsonPropertyDescription("Where the adapter is.") String uri,
      @Size(max = 128) @JsonPropertyDescription("sha256 of the adapter's weights.") String digest,
      @Size(max = 1024) @JsonPropertyDescription("Where the report is.") String report) {}
}
