package io.safegrad.trainer.export;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.GgufWeights;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What a family's GGUF file is like, as llama.cpp reads it. */
enum GgufFamily {
  LlamaForCausalLM("llama", Map.of()),
  MistralForCausalLM("llama", Map.of()),
  Qwen2ForCausalLM("qwen2", Map.of()),
  Qwen3ForCausalLM("qwen3", Map.of()),
  Gemma2ForCausalLM("gemma2", Names.BLOCK_OUTPUT_NORMS),
  Gemma3ForCausalLM("gemma3", Names.BLOCK_OUTPUT_NORMS),
  Phi3ForCausalLM("phi3", Map.of("self_attn.qkv_proj", "attn_qkv", "mlp.gate_up_proj", "ffn_up")),
  SmolLM3ForCausalLM("smollm3", Map.of());

  private final String architecture;
  private final Map<String, String> layerNames;

  /** Names of layers' tensors that differ from a Llama's. */
  private static final class Names {

    private static final Map<String, String> BLOCK_OUTPUT_NORMS =
        Map.of(
            "post_attention_layernorm", "post_attention_norm",
            "pre_feedforward_layernorm", "ffn_norm",
            "post_feedforward_layernorm", "post_ffw_norm");
  }

  GgufFamily(String architecture, Map<String, String> layerNames) {
    this.architecture = architecture;
    this.layerNames = layerNames;
  }

  /**
   * A model's family.
   *
   * @throws TrainerException with BAD_PLAN for one that is not written as GGUF
   */
  static GgufFamily of(ModelConfig config) {
    return Arrays.stream(values())
        .filter(family -> family.name().equals(config.architecture()))
        .findFirst()
        .orElseThrow(
            () ->
                new TrainerException(
                    ExitReason.BAD_PLAN,
                    "%s cannot be written as GGUF; supported are %s"
                        .formatted(
                            config.architecture(),
                            Arrays.stream(values())
                                .map(Enum::name)
                                .sorted()
                                .collect(Collectors.joining(", ")))));
  }

  /** The file's {@code general.architecture}, with which its keys begin. */
  String architecture() {
    return architecture;
  }

  /** Whether rows of q_proj and k_proj are permuted, for llama.cpp rotates neighbours there. */
  boolean permuted() {
    return architecture.equals("llama") || this == SmolLM3ForCausalLM;
  }

  /** The name in the file of a tensor; empty for one that has no place there. */
  Optional<String> tensorName(String huggingFaceName) {
    for (Map.Entry<String, String> name : layerNames.entrySet()) {
      String part = "." + name.getKey() + ".";
      int at = huggingFaceName.indexOf(part);
      if (huggingFaceName.startsWith("model.layers.") && at > 0) {
        return Optional.of(
            "blk."
                + huggingFaceName.substring("model.layers.".length(), at)
                + "."
                + name.getValue()
                + huggingFaceName.substring(at + part.length() - 1));
      }
    }
    return GgufWeights.ggufName(huggingFaceName);
  }
}
