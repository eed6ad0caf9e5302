package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** The examples that span the alignment gradient. */
@ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
@ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
public record Alignment(
    @Default("builtin://alignment")
        @Size(min = 1, max = 1024)
        @Pattern(Sources.DATA)
        @JsonPropertyDescription(
            "Harmful prompts with the replies an aligned model gives:"
                + " builtin://alignment, file:///path, pvc://claim/path, hf://datasets/org/name/path,"
                + " https://host/path or s3://bucket/key. Any file that dataset.source may be.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest,
    @JsonPropertyDescription(Sources.SECRET_DOC + " It is for the further sets, too.")
        SecretReference secretRef,
    @Size(max = 8)
        @JsonPropertyDescription(
            "Further sets of such examples, of a user's own. Their KL divergence, times"
                + " alignmentWeight, is added to the user's loss: they pull towards the start"
                + " model's replies, too, but never stand beside the set above, whose gradient is"
                + " what the user's is held to. Used by SafeGrad and WeightedSum.")
        List<DataSource> additional,
    @Default("0.0")
        @Min(0)
        @Max(0.5)
        @JsonPropertyDescription(
            "Share of the examples that is never trained on. Which ones is a matter of training.seed;"
                + " the KL divergence from the start model on them is measured before and after"
                + " training. The divergence on those that are trained on says little of others. 0"
                + " holds nothing back.")
        Double heldOutFraction) {

  /** The examples of a run that names none. */
  public static final Alignment DEFAULT = new Alignment("builtin://alignment", null, null);

  /** Examples that need no secret, without any further ones. */
  public Alignment(String source, String revision, String digest) {
    this(source, revision, digest, null, null, 0.0);
  }
}
