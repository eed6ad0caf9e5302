package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** The prompts that measure safety before and after training. */
public record Evaluation(
    @Default("builtin://evaluation-harmful")
        @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "Prompts that an aligned model refuses: any file that dataset.source may be.")
        String harmful,
    @Default("builtin://evaluation-harmless")
        @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "Prompts that an aligned model answers: any file that dataset.source may be.")
        String harmless,
    @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "Held-out examples of the user's task; a reply counts when it equals the"
                + " expected one. Not measured when absent.")
        String task,
    @Default("48") @Min(1) @Max(4096) @JsonPropertyDescription("Tokens generated per reply.")
        Integer maxNewTokens) {

  /** The evaluation of a run that names none. */
  public static final Evaluation DEFAULT =
      new Evaluation("builtin://evaluation-harmful", "builtin://evaluation-harmless", null, 48);
}
