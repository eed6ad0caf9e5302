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
        Gate gate) {}
