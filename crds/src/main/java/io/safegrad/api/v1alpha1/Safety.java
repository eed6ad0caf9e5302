package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;

/** What keeps a run safe and what proves it. */
public record Safety(
    @Default("{}") @JsonPropertyDescription("The examples that span the alignment gradient.")
        Alignment alignment,
    @Default("{}") @JsonPropertyDescription("The prompts that measure safety before and after.")
        Evaluation evaluation,
    @Default("{}") @JsonPropertyDescription("What must hold for the adapter to be published.")
        Gate gate,
    @Default("{}")
        @JsonPropertyDescription("Which examples pull the model away from its alignment.")
        Attribution attribution,
    @Default("None")
        @JsonPropertyDescription(
            "LeaveOut: before it is trained, the start model is asked each example's prompt. Those"
                + " that it refuses, as the evaluation's judge says, are left out of the data; with"
                + " SafeGrad and WeightedSum their prompts, with the model's own refusals, are"
                + " then like safety.alignment.additional. It takes a reply for each example, and"
                + " data with prompts: no texts. None: it is not asked.")
        Screening screening) {

  /** One that asks for nothing else. */
  public Safety(Alignment alignment, Evaluation evaluation, Gate gate) {
    this(alignment, evaluation, gate, Attribution.DEFAULT, Screening.None);
  }

  public Safety {
    // A plan that is older than a field has none.
    attribution = attribution == null ? Attribution.DEFAULT : attribution;
    screening = screening == null ? Screening.None : screening;
  }
}
