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
        @Pattern(Sources.PROMPTS)
        @JsonPropertyDescription(
            "Prompts that an aligned model refuses: any file that dataset.source may be, at"
                + " builtin://name, file:///path, pvc://claim/path or s3://bucket/key.")
        String harmful,
    @Default("builtin://evaluation-harmless")
        @Size(min = 1, max = 1024)
        @Pattern(Sources.PROMPTS)
        @JsonPropertyDescription(
            "Prompts that an aligned model answers: any file that dataset.source may be, at"
                + " builtin://name, file:///path, pvc://claim/path or s3://bucket/key.")
        String harmless,
    @Size(min = 1, max = 1024)
        @Pattern(Sources.PROMPTS)
        @JsonPropertyDescription(
            "Held-out examples of the user's task; a reply counts when it equals the"
                + " expected one. Not measured when absent.")
        String task,
    @Default("48") @Min(1) @Max(4096) @JsonPropertyDescription("Tokens generated per reply.")
        Integer maxNewTokens,
    @JsonPropertyDescription(
            "A Secret in the run's namespace with the keys for all s3:// sources of the prompts: "
                + Sources.KEYS_DOC
                + ".")
        SecretReference secretRef) {

  /** The evaluation of a run that names none. */
  public static final Evaluation DEFAULT =
      new Evaluation("builtin://evaluation-harmful", "builtin://evaluation-harmless", null, 48);

  /** An evaluation that needs no secret. */
  public Evaluation(String harmful, String harmless, String task, Integer maxNewTokens) {
    this(harmful, harmless, task, maxNewTokens, null);
  }
}
