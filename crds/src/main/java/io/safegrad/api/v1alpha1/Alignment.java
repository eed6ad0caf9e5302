package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** The examples that span the alignment gradient. */
public record Alignment(
    @Default("builtin://alignment")
        @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "JSON Lines of harmful prompts with the replies an aligned model gives:"
                + " builtin://alignment, file:///path or pvc://claim/path.")
        String source) {

  /** The examples of a run that names none. */
  public static final Alignment DEFAULT = new Alignment("builtin://alignment");
}
