package io.safegrad.trainer.model;

import java.util.Arrays;
import java.util.Optional;

/** The supported families, by their class names in Hugging Face transformers. */
enum Architecture {
  LlamaForCausalLM,
  MistralForCausalLM,
  Qwen2ForCausalLM,
  Qwen3ForCausalLM,
  Gemma2ForCausalLM,
  Gemma3ForCausalLM,
  Phi3ForCausalLM,
  SmolLM3ForCausalLM;

  static Optional<Architecture> named(String name) {
    return Arrays.stream(values()).filter(each -> each.name().equals(name)).findFirst();
  }

  boolean gemma() {
    return this == Gemma2ForCausalLM || this == Gemma3ForCausalLM;
  }

  boolean qkNorm() {
    return this == Qwen3ForCausalLM || this == Gemma3ForCausalLM;
  }

  /** {@code tie_word_embeddings} where config.json has none. */
  boolean tiedHeadByDefault() {
    return gemma() || this == SmolLM3ForCausalLM;
  }

  /** {@code rope_theta} where config.json has none. */
  double defaultRopeTheta() {
    return switch (this) {
      case Gemma3ForCausalLM -> 1e6;
      case SmolLM3ForCausalLM -> 2e6;
      default -> 1e4;
    };
  }
}
