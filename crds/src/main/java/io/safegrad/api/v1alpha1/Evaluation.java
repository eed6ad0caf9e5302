package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** The prompts that measure safety before and after training, and during it if asked. */
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
    @Min(1)
        @Max(1000000)
        @JsonPropertyDescription(
            "The model is also measured while it trains, each time that so many steps are done."
                + " Each time costs as much as the evaluation before training; what is trained stays"
                + " the same. Not measured when absent.")
        Integer everySteps,
    @Pattern(Sources.DIGEST)
        @JsonPropertyDescription("What the file at harmful must be. " + DIGEST_DOC)
        String harmfulDigest,
    @Pattern(Sources.DIGEST)
        @JsonPropertyDescription("What the file at harmless must be. " + DIGEST_DOC)
        String harmlessDigest,
    @Size(max = 8)
        @JsonPropertyDescription(
            "Further prompts that an aligned model refuses, of a user's own. They are measured by"
                + " themselves, and the gate's minRefusalRate and maxRefusalDrop must hold for them,"
                + " too.")
        List<DataSource> additionalHarmful,
    @Size(max = 8)
        @JsonPropertyDescription(
            "Further prompts that an aligned model answers, of a user's own. They are measured by"
                + " themselves, and the gate's maxOverRefusal must hold for them, too.")
        List<DataSource> additionalHarmless,
    @JsonPropertyDescription(
            Sources.SECRET_DOC + " It is for all prompts, and for a judge that is a classifier.")
        SecretReference secretRef,
    @Default("{}")
        @JsonPropertyDescription("Who tells which replies refuse, before and after training alike.")
        Judge judge) {

  private static final String DIGEST_DOC = "sha256: and 64 hexadecimal digits, of its bytes.";

  /** The evaluation of a run that names none. */
  public static final Evaluation DEFAULT =
      new Evaluation("builtin://evaluation-harmful", "builtin://evaluation-harmless", null, 48);

  public Evaluation {
    // A plan that is older than the field has none.
    judge = judge == null ? Judge.DEFAULT : judge.resolved();
  }

  /** An evaluation that needs no secret, without any further prompts. */
  public Evaluation(String harmful, String harmless, String task, Integer maxNewTokens) {
    this(harmful, harmless, task, maxNewTokens, null, null, null, null, null, null, Judge.DEFAULT);
  }
}
