package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.soabase.recordbuilder.core.RecordBuilder;

/** What a user asks for. */
@ValidationRule(
    value =
        "!has(self.model.storage) || self.model.storage == 'Float32'"
            + " || !has(self.training.mode) || self.training.mode != 'Full'",
    message = SafeFineTuneSpec.STORAGE_MESSAGE)
@RecordBuilder
@ValidationRule(
    value =
        "!has(self.training) || !has(self.training.evalSteps)"
            + " || self.dataset.validationFraction > 0.0",
    message = SafeFineTuneSpec.EVAL_MESSAGE)
@ValidationRule(
    value =
        "!has(self.method) || self.method.name != 'SafeLora' || !has(self.training)"
            + " || self.training.mode == 'Lora'",
    message = SafeFineTuneSpec.SAFE_LORA_MESSAGE)
public record SafeFineTuneSpec(
    @Required @JsonPropertyDescription("The model to start from. It is never changed.") Model model,
    @Required @JsonPropertyDescription("The examples to learn from.") Dataset dataset,
    @Default("{}")
        @JsonPropertyDescription("How the data is learned and the model's alignment kept.")
        Method method,
    @Default("{}")
        @JsonPropertyDescription("Hyperparameters, in the words of Hugging Face and TRL.")
        Training training,
    @Default("{}")
        @JsonPropertyDescription(
            "What keeps the model safe and what proves it: alignment examples, evaluation, gate.")
        Safety safety,
    @Required @JsonPropertyDescription("Where the adapter and its report go when the gate holds.")
        Output output,
    @Default("{}") @JsonPropertyDescription("Where and with what the trainer's pod runs.") Pod pod,
    @Size(min = 1, max = 253)
        @Pattern("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
        @JsonPropertyDescription(
            "Kueue's LocalQueue that the run waits in. The label kueue.x-k8s.io/queue-name of this"
                + " resource says the same where this is absent. No queue when both are.")
        String queueName,
    @Default("false")
        @JsonPropertyDescription(
            "Holds the run back, or stops it while it runs; resumed, it goes on from its last"
                + " checkpoint. May be changed at any time.")
        Boolean suspend,
    @Min(1)
        @Max(Integer.MAX_VALUE)
        @JsonPropertyDescription(
            "Seconds of activity after which a run that has not ended is stopped and failed; the"
                + " time in which it is suspended or queued does not count. No limit when absent.")
        Long activeDeadlineSeconds,
    @Min(0)
        @Max(Integer.MAX_VALUE)
        @JsonPropertyDescription(
            "Seconds after the end of the run after which what ttlPolicy says is removed. Nothing is"
                + " when absent. May be changed at any time.")
        Integer ttlSecondsAfterFinished,
    @Default("KeepResource")
        @JsonPropertyDescription(
            "What ttlSecondsAfterFinished removes. KeepResource: the Job and its pod; this resource,"
                + " which is the record of what was measured, stays. DeleteResource: this resource"
                + " and all that belongs to it; one that Argo CD or Flux applies is kept all the"
                + " same, because they would create it again and the run with it. What was"
                + " published always stays. May be changed at any time.")
        TtlPolicy ttlPolicy) {

  public static final String SAFE_LORA_MESSAGE = "method.name: SafeLora needs training.mode: Lora";
  public static final String EVAL_MESSAGE =
      "training.evalSteps needs dataset.validationFraction above 0";
  public static final String STORAGE_MESSAGE =
      "model.storage must be Float32 where training.mode is Full";

  /** What is removed some time after the end of a run. */
  public enum TtlPolicy {
    KeepResource,
    DeleteResource
  }
}
