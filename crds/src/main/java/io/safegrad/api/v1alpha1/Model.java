package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
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
                + " builtin://tiny-aligned, file:///path, pvc://claim/path, hf://org/name,"
                + " hf://org/name/path or https://host/name.gguf. Architectures: Llama, Mistral,"
                + " SmolLM2, Qwen2, Qwen2.5, Qwen3.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest,
    @JsonPropertyDescription(
            "A Secret whose key token is the hub's access token, for every hf:// source of this"
                + " run.")
        SecretReference secretRef) {}
