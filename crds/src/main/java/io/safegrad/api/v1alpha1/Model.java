package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** The model a run starts from. */
@ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
@ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
public record Model(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.MODEL)
        @JsonPropertyDescription(
            "A Hugging Face directory (config.json, safetensors, tokenizer.json) or a GGUF file:"
                + " builtin://tiny-aligned, file:///path, pvc://claim/path, hf://org/name, hf://org/name/path, https://host/name.gguf, s3://bucket/folder or s3://bucket/name.gguf. Architectures: Llama,"
                + " Mistral, Qwen2, Qwen2.5, Qwen3, Gemma 2, Gemma 3, Phi-3, SmolLM2, SmolLM3.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest,
    @JsonPropertyDescription(
            "A Secret in the run's namespace. For s3:// it has the keys "
                + Sources.KEYS_DOC
                + ". For https:// its key token is the access token; for any other source it is the"
                + " hub's, for every hf:// source of this run that has none of its own.")
        SecretReference secretRef,
    @Default("Float32")
        @JsonPropertyDescription(
            "How the frozen weights are kept in memory; every computation is in float32. BFloat16"
                + " halves them. Int8 keeps the linear layers in a quarter, with a scale for each row,"
                + " and the embedding and the output head in bfloat16. Safety is measured on the model"
                + " as it is kept. training.mode Full takes Float32 only.")
        Storage storage) {

  /** How frozen weights are kept in memory. */
  public enum Storage {
    Float32,
    BFloat16,
    Int8
  }
}
