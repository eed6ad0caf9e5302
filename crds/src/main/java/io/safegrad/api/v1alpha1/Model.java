package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** The model a run starts from. */
public record Model(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.READABLE)
        @JsonPropertyDescription(
            "A Hugging Face directory (config.json, safetensors, tokenizer.json) or a GGUF file:"
                + " builtin://tiny-aligned, file:///path or pvc://claim/path. Architectures: Llama,"
                + " Mistral, SmolLM2, Qwen2, Qwen2.5, Qwen3.")
        String source) {}
