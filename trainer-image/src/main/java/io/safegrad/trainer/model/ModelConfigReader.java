package io.safegrad.trainer.model;

import static io.safegrad.trainer.model.Architecture.Gemma2ForCausalLM;
import static io.safegrad.trainer.model.Architecture.Phi3ForCausalLM;
import static io.safegrad.trainer.model.Architecture.Qwen2ForCausalLM;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.stream.Collectors;

/** Reads a Hugging Face config.json and refuses what would change results and is not there. */
final class ModelConfigReader {

  private static final String GELU_TANH = "gelu_pytorch_tanh";

  /**
   * Memory is taken by these, before weights are looked at; the largest models have 126 and 512.
   */
  private static final int MAX_LAYERS = 10_000;

  private static final int MAX_HEAD_DIM = 1 << 16;

  private final ConfigFields config;

  ModelConfigReader(JsonNode config) {
    this.config = new ConfigFields(config);
  }

  ModelConfig read() {
    Architecture family = architecture();
    refuseUnsupportedOptions(family);
    int hiddenSize = config.positive("hidden_size");
    int heads = config.positive("num_attention_heads");
    int keyValueHeads = config.positive("num_key_value_heads", heads);
    int headDim = headDim(family, hiddenSize, heads);
    int layers = config.positive("num_hidden_layers");
    if (layers > MAX_LAYERS) {
      throw ConfigFields.badData("num_hidden_layers", layers, "at most " + MAX_LAYERS);
    }
    if (headDim > MAX_HEAD_DIM) {
      throw ConfigFields.badData("head_dim", headDim, "at most " + MAX_HEAD_DIM);
    }
    if (heads % keyValueHeads != 0) {
      throw ConfigFields.badData(
          "num_key_value_heads", keyValueHeads, "a divisor of num_attention_heads " + heads);
    }
    if (headDim % 2 != 0) {
      throw ConfigFields.badData("head_dim", headDim, "an even number");
    }
    boolean gemma2 = family == Gemma2ForCausalLM;
    double scoreWidth = family.gemma() ? config.number("query_pre_attn_scalar", 256) : headDim;
    return new ModelConfig(
        family.name(),
        config.positive("vocab_size"),
        hiddenSize,
        config.positive("intermediate_size"),
        layers,
        heads,
        keyValueHeads,
        headDim,
        config.number("rms_norm_eps", 1e-6),
        family.gemma() ? 1 : 0,
        config.flag("tie_word_embeddings", family.tiedHeadByDefault()),
        family == Qwen2ForCausalLM,
        family.qkNorm(),
        family.gemma(),
        family == Phi3ForCausalLM,
        family.gemma(),
        // In float32, as transformers has it.
        family.gemma() ? (float) Math.sqrt(hiddenSize) : 1,
        softCap(gemma2, "final_logit_softcapping", 30),
        1 / Math.sqrt(scoreWidth),
        softCap(gemma2, "attn_logit_softcapping", 50),
        new LayerAttentionReader(config, family, layers, headDim).read());
  }

  private Architecture architecture() {
    JsonNode named = config.json().path("architectures").path(0);
    return Architecture.named(named.asText())
        .orElseThrow(
            () ->
                ConfigFields.unsupported(
                    "architecture "
                        + (named.isMissingNode() ? "is missing" : named + " is not supported")
                        + "; supported are "
                        + Arrays.stream(Architecture.values())
                            .map(Architecture::name)
                            .collect(Collectors.joining(", "))));
  }

  private int headDim(Architecture family, int hiddenSize, int heads) {
    if (config.present("head_dim")) {
      return config.positive("head_dim");
    }
    if (family.gemma()) {
      return 256;
    }
    if (family == Architecture.Qwen3ForCausalLM) {
      return 128;
    }
    if (hiddenSize % heads != 0) {
      throw ConfigFields.badData(
          "num_attention_heads", heads, "a divisor of hidden_size " + hiddenSize);
    }
    return hiddenSize / heads;
  }

  /** A field that is null has no cap; transformers has a default where Gemma 2's is missing. */
  private double softCap(boolean gemma2, String field, double missing) {
    if (gemma2 && !config.json().has(field)) {
      return missing;
    }
    return config.number(field, 0);
  }

  private void refuseUnsupportedOptions(Architecture family) {
    String activation = family.gemma() ? "hidden_activation" : "hidden_act";
    String expected = family.gemma() ? GELU_TANH : "silu";
    config.refuseUnless(activation, config.text(activation, expected).equals(expected), expected);
    config.refuseUnless("attention_bias", !config.flag("attention_bias", false), "false");
    config.refuseUnless("mlp_bias", !config.flag("mlp_bias", false), "false");
    config.refuseUnless(
        "quantization_config", !config.present("quantization_config"), "unquantised weights");
    config.refuseUnless(
        "use_bidirectional_attention", !config.flag("use_bidirectional_attention", false), "false");
    config.refuseUnless(
        "partial_rotary_factor",
        family == Phi3ForCausalLM || config.number("partial_rotary_factor", 1) == 1,
        "1");
  }
}
