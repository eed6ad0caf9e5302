package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.util.List;
import java.util.OptionalInt;

/** Reads a Hugging Face config.json and refuses what would change results and is not there. */
final class ModelConfigReader {

  private static final List<String> SUPPORTED =
      List.of("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM");

  private static final double DEFAULT_ROPE_THETA = 10000;

  private final JsonNode config;

  ModelConfigReader(JsonNode config) {
    this.config = config;
  }

  ModelConfig read() {
    String architecture = architecture();
    refuseUnsupportedOptions();
    boolean qwen3 = architecture.startsWith("Qwen3");
    int hiddenSize = positive("hidden_size");
    int heads = positive("num_attention_heads");
    int keyValueHeads = present("num_key_value_heads") ? positive("num_key_value_heads") : heads;
    int headDim = headDim(qwen3, hiddenSize, heads);
    if (heads % keyValueHeads != 0) {
      throw badData("num_key_value_heads", keyValueHeads, "a divisor of " + heads);
    }
    if (headDim % 2 != 0) {
      throw badData("head_dim", headDim, "an even number");
    }
    return new ModelConfig(
        architecture,
        positive("vocab_size"),
        hiddenSize,
        positive("intermediate_size"),
        positive("num_hidden_layers"),
        heads,
        keyValueHeads,
        headDim,
        number(config, "rms_norm_eps", 1e-6),
        config.path("tie_word_embeddings").asBoolean(false),
        architecture.startsWith("Qwen2"),
        qwen3,
        slidingWindow(),
        rotary(headDim));
  }

  private String architecture() {
    JsonNode named = config.path("architectures").path(0);
    if (!SUPPORTED.contains(named.asText())) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "config.json: architecture "
              + (named.isMissingNode() ? "is missing" : named + " is not supported")
              + "; supported are "
              + String.join(", ", SUPPORTED));
    }
    return named.asText();
  }

  private int headDim(boolean qwen3, int hiddenSize, int heads) {
    if (present("head_dim")) {
      return positive("head_dim");
    }
    if (qwen3) {
      return 128;
    }
    if (hiddenSize % heads != 0) {
      throw badData("num_attention_heads", heads, "a divisor of hidden_size " + hiddenSize);
    }
    return hiddenSize / heads;
  }

  private void refuseUnsupportedOptions() {
    refuseUnless("hidden_act", !present("hidden_act") || text("hidden_act").equals("silu"), "silu");
    refuseUnless("attention_bias", !config.path("attention_bias").asBoolean(false), "false");
    refuseUnless("mlp_bias", !config.path("mlp_bias").asBoolean(false), "false");
    refuseUnless("quantization_config", !present("quantization_config"), "unquantised weights");
    refuseUnless(
        "partial_rotary_factor",
        !present("partial_rotary_factor") || config.get("partial_rotary_factor").asDouble() == 1,
        "1");
  }

  private void refuseUnless(String field, boolean supported, String expected) {
    if (!supported) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "config.json: "
              + field
              + " is "
              + config.get(field)
              + ", which is not supported; supported is "
              + expected);
    }
  }

  private OptionalInt slidingWindow() {
    boolean used =
        present("use_sliding_window")
            ? config.get("use_sliding_window").asBoolean()
            : present("sliding_window");
    return used && present("sliding_window")
        ? OptionalInt.of(positive("sliding_window"))
        : OptionalInt.empty();
  }

  /** transformers 5 writes rope_parameters; transformers 4 wrote rope_theta and rope_scaling. */
  private RotaryEmbedding rotary(int headDim) {
    JsonNode rope = present("rope_parameters") ? config.get("rope_parameters") : scaling();
    double theta = number(rope, "rope_theta", number(config, "rope_theta", DEFAULT_ROPE_THETA));
    RotaryEmbedding plain = RotaryEmbedding.plain(headDim, theta);
    String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
    return switch (type) {
      case "default" -> plain;
      case "llama3" ->
          plain.llama3(
              number(rope, "factor"),
              number(rope, "low_freq_factor"),
              number(rope, "high_freq_factor"),
              number(rope, "original_max_position_embeddings"));
      default ->
          throw new TrainerException(
              ExitReason.BAD_PLAN,
              "config.json: rope type \""
                  + type
                  + "\" is not supported; supported are \"default\" and \"llama3\"");
    };
  }

  private JsonNode scaling() {
    return config.path("rope_scaling");
  }

  private boolean present(String field) {
    return config.hasNonNull(field);
  }

  private String text(String field) {
    return config.get(field).asText();
  }

  private int positive(String field) {
    JsonNode value = config.path(field);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw badData(field, value, "a positive whole number");
    }
    return value.intValue();
  }

  private double number(JsonNode node, String field, double absent) {
    return node.hasNonNull(field) ? number(node, field) : absent;
  }

  private double number(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isNumber() || value.doubleValue() <= 0) {
      throw badData(field, value, "a positive number");
    }
    return value.doubleValue();
  }

  private static TrainerException badData(String field, Object found, String expected) {
    boolean missing = found instanceof JsonNode node && node.isMissingNode();
    return new TrainerException(
        ExitReason.BAD_DATA,
        "config.json: "
            + field
            + (missing ? " is missing" : " is " + found)
            + "; expected "
            + expected);
  }
}
