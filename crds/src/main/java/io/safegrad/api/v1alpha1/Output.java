package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** Where the results go. */
@ValidationRule(
    value = Sources.DESTINATION_SECRET_RULE,
    message = "secretRef is for an s3:// destination")
public record Output(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.WRITABLE)
        @JsonPropertyDescription(
            "The directory that receives the PEFT adapter, a model card and report.json: pvc://claim/path,"
                + " file:///path or s3://bucket/prefix. Nothing of it is written before the gate"
                + " holds, except the report.")
        String destination,
    @Default("[\"Adapter\"]")
        @Size(min = 1, max = 4)
        @JsonPropertyDescription(
            "What is published. Adapter: the PEFT adapter, or the model in mode Full, in the"
                + " directory itself. Merged: the whole model in merged/, as transformers loads it,"
                + " in the start model's own type. GgufF16, GgufQ8_0: the whole model as one file in"
                + " gguf/, as llama.cpp loads it. The gate measures the adapter in float32, not its"
                + " rounded forms.")
        List<Format> formats,
    @JsonPropertyDescription(
            "A Secret in the run's namespace with the keys for an s3:// destination: "
                + Sources.KEYS_DOC
                + ".")
        SecretReference secretRef) {

  /** Forms of what was trained. */
  public enum Format {
    Adapter,
    Merged,
    GgufF16,
    GgufQ8_0
  }

  /** What is published; the adapter when nothing is said, as in plans before this field. */
  public List<Format> formatsOrDefault() {
    return formats == null ? List.of(Format.Adapter) : formats;
  }
}
