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
        Attribution attribution) {

  /** One whose attribution is the default. */
  public Safety(Alignment alignment, Evaluation evaluation, Gate gate) {
    this(alignment, evaluation, gate, Attribution.DEFAULT);
  }

  public Safety {
    // A plan that is older than the field has none.
    attribution = attribution == null ? Attribution.DEFAULT : attribution;
  }
}
