package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.crd.generator.annotation.PrinterColumn;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Condition;
import io.soabase.recordbuilder.core.RecordBuilder;
import java.util.List;

/** What the operator observed. Rates are text with a percent sign where they are for people. */
@RecordBuilder
public record SafeFineTuneStatus(
    @JsonPropertyDescription(
            "Generation of the spec that this status speaks of; -1 until the operator has seen the run.")
        Long observedGeneration,
    @PrinterColumn(name = "Phase") @JsonPropertyDescription("Where the run stands.") Phase phase,
    @PrinterColumn(name = "Progress")
        @Size(max = 64)
        @JsonPropertyDescription("Optimizer steps done of all steps, for example 120/400 (30%).")
        String progress,
    @PrinterColumn(name = "ETA")
        @Size(max = 16)
        @JsonPropertyDescription("Time the run is expected to take from now on, for example 1h05m.")
        String eta,
    @PrinterColumn(name = "Conflict")
        @Size(max = 16)
        @JsonPropertyDescription(
            "Share of the steps in which the user's gradient conflicted with the alignment"
                + " gradient.")
        String conflict,
    @PrinterColumn(name = "Refusal")
        @Size(max = 32)
        @JsonPropertyDescription(
            "Share of harmful prompts refused: by the start model, and then by the fine-tuned one,"
                + " while it trains or when it is done.")
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
    @Size(max = 253) @JsonPropertyDescription("Kueue's LocalQueue that the Job was given to.")
        String queueName,
    @JsonPropertyDescription("Seconds the run is expected to take from now on.") Long etaSeconds,
    @JsonPropertyDescription("Figures of the run, as numbers.") Measurements measurements,
    @JsonPropertyDescription(
            "How many examples pull the model away from its alignment. Which ones stands in the"
                + " report. Absent until it is measured: after half of the steps, or when the gate"
                + " refuses.")
        ExampleCounts attribution,
    @Size(max = 16)
        @JsonPropertyDescription(
            "The rules of the gate that the fine-tuned model was held to, as the operator compared"
                + " them.")
        List<GateRule> gate,
    @Size(max = 256)
        @JsonPropertyDescription("Who told which replies refuse: name, version, digest.")
        String judge,
    @Size(max = 32)
        @JsonPropertyDescription(
            "The pods that ran the trainer, oldest first; of very many, the newest.")
        List<Attempt> attempts,
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
  @RecordBuilder
  public record Measurements(
      @JsonPropertyDescription("Optimizer steps done.") Integer step,
      @JsonPropertyDescription("Optimizer steps of the whole run.") Integer totalSteps,
      @JsonPropertyDescription("Mean cross-entropy of the newest step, in nats.") Double loss,
      @JsonPropertyDescription("Mean KL on the alignment batch at the newest step, in nats.")
          Double alignmentLoss,
      @JsonPropertyDescription("Share of the steps with conflicting gradients.")
          Double conflictRatio,
      @JsonPropertyDescription(
              "Bytes of memory that the trainer expects to need at its peak, by the model's shapes,"
                  + " the plan and the lengths of the data.")
          Long memoryEstimateBytes,
      @JsonPropertyDescription("Refusal rate of the start model.") Double baselineRefusalRate,
      @JsonPropertyDescription("Its 95 % interval.") Interval baselineRefusalInterval,
      @JsonPropertyDescription("Refusal rate of the fine-tuned model.") Double refusalRate,
      @JsonPropertyDescription("Its 95 % interval.") Interval refusalInterval,
      @JsonPropertyDescription("Over-refusal rate of the fine-tuned model.") Double overRefusalRate,
      @JsonPropertyDescription("Its 95 % interval.") Interval overRefusalInterval,
      @JsonPropertyDescription("Accuracy of the fine-tuned model on the user's task.")
          Double taskAccuracy,
      @JsonPropertyDescription("Its 95 % interval.") Interval taskAccuracyInterval,
      @JsonPropertyDescription(
              "Mean KL of the fine-tuned model from the start model on the held-back alignment"
                  + " examples, in nats.")
          Double safetyKl,
      @JsonPropertyDescription(
              "Step after which the figures of the fine-tuned model were measured; absent when"
                  + " they are those of the finished one.")
          Integer evaluatedStep) {}

  /** A 95 % interval of a share, by Wilson's score. */
  public record Interval(
      @JsonPropertyDescription("Its lower end.") Double low,
      @JsonPropertyDescription("Its upper end.") Double high,
      @JsonPropertyDescription("Prompts that were counted.") Integer count) {}

  /** What attribution found, in numbers. */
  public record ExampleCounts(
      @JsonPropertyDescription("Examples that were measured.") Integer measuredExamples,
      @JsonPropertyDescription(
              "Those whose conflict with the alignment stands apart from all others'.")
          Integer conflictingExamples,
      @JsonPropertyDescription(
              "Those with the largest conflict, that the report names by line and digest.")
          Integer worstExamples) {}

  /** One rule of the gate. */
  public record GateRule(
      @Size(max = 64) @JsonPropertyDescription("The field of spec.safety.gate.") String rule,
      @Size(max = 64) @JsonPropertyDescription("What was measured.") String measured,
      @Size(max = 64) @JsonPropertyDescription("Its 95 % interval.") String interval,
      @Size(max = 64)
          @JsonPropertyDescription("What was expected; a policy may be stricter than the spec.")
          String threshold,
      @JsonPropertyDescription("Whether it held.") Boolean held) {}

  /** One pod that ran the trainer. */
  @RecordBuilder
  public record Attempt(
      @JsonPropertyDescription("1 for the first.") Integer number,
      @Size(max = 253) @JsonPropertyDescription("The pod's name.") String pod,
      @Size(max = 64) @JsonPropertyDescription("When the trainer started.") String started,
      @Size(max = 64) @JsonPropertyDescription("When it ended.") String ended,
      @Size(max = 64)
          @JsonPropertyDescription(
              "Why it ended: Success, a reason of the trainer (SourceUnavailable, Preempted, …), or"
                  + " one of the cluster (EvictionByEvictionAPI, PreemptionByScheduler, OutOfMemory,"
                  + " Suspended, …).")
          String reason,
      @Size(max = 1024) @JsonPropertyDescription("More about it, in one sentence.") String message,
      @JsonPropertyDescription("The trainer's exit code.") Integer exitCode,
      @JsonPropertyDescription("Optimizer steps of the checkpoint that it went on from.")
          Integer resumedAtStep,
      @JsonPropertyDescription("Optimizer steps done when it was last heard.") Integer lastStep) {}

  /** What was published. */
  public record Artifact(
      @Size(max = 1024) @JsonPropertyDescription("Where the adapter is.") String uri,
      @Size(max = 128) @JsonPropertyDescription("sha256 of the adapter's weights.") String digest,
      @Size(max = 1024) @JsonPropertyDescription("Where the report is.") String report) {}
}
