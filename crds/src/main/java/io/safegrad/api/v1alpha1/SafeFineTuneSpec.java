package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;

/** What a user asks for. */
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
    @Default("false")
        @JsonPropertyDescription(
            "Holds the run back, or stops it while it runs. May be changed at any time.")
        Boolean suspend,
    @Min(1)
        @JsonPropertyDescription(
            "Seconds after which a run that has not ended is stopped and failed. No limit when"
                + " absent.")
        Long activeDeadlineSeconds,
    @Min(0)
        @JsonPropertyDescription(
            "Seconds after the end of the run after which its Job and pod are removed. This"
                + " resource and its result stay. They are kept when absent. May be changed at any"
                + " time.")
        Integer ttlSecondsAfterFinished) {}
