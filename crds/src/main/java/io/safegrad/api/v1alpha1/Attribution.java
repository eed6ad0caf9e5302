package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;

/**
 * Which examples pull the model away from its alignment. While it trains, a method that reads no
 * alignment set is measured where the set is not the default one, or a part of it is held back;
 * what the gate refuses is measured whatever the method.
 */
public record Attribution(
    @Default("20")
        @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "How many examples the report names, those with the largest conflict first, each by its"
                + " line and the digest of its record. 0 measures none, unless method.onConflict"
                + " is Drop or Stop. They are measured after half of the steps (of Sft and SafeLora"
                + " where safety.alignment names another set than the default, or heldOutFraction is"
                + " above 0), and of the finished model where the gate refuses it, whatever the"
                + " method.")
        Integer worstExamples,
    @Default("false")
        @JsonPropertyDescription(
            "Whether the report quotes the beginning of each of them. A SafetyPolicy may forbid it.")
        Boolean excerpts) {

  /** The attribution of a run that asks for nothing else. */
  public static final Attribution DEFAULT = new Attribution(20, false);
}
