package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;

/** How the user's gradient and the alignment gradient are combined. */
public record Method(
    @Default("SafeGrad")
        @JsonPropertyDescription(
            "SafeGrad: on conflict the user's gradient is projected off the alignment gradient, and"
                + " the weighted alignment gradient is added (arXiv 2508.07172). WeightedSum: the"
                + " same without the projection. Sft: plain supervised fine-tuning, no alignment"
                + " gradient.")
        Name name,
    @Default("1.0")
        @Min(0)
        @Max(1000)
        @JsonPropertyDescription("The weight ρ of the alignment gradient. Not used by Sft.")
        Double alignmentWeight,
    @Default("4")
        @Min(1)
        @Max(4096)
        @JsonPropertyDescription("Alignment examples per micro-batch. Not used by Sft.")
        Integer alignmentBatchSize) {

  /** The methods. */
  public enum Name {
    SafeGrad,
    WeightedSum,
    Sft
  }
}
