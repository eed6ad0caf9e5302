package io.safegrad.trainer.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.safegrad.trainer.model.ModelConfig.LayerAttention;
import java.util.ArrayList;
import java.util.List;

/** Reads what differs between a model's layers: sliding windows and position embeddings. */
final class LayerAttentionReader {

  private static final String SLIDING = "sliding_attention";
  private static final String FULL = "full_attention";

  private final ConfigFields config;
  private final Architecture family;
  private final int layers;
  private final int headDim;

  LayerAttentionReader(ConfigFields config, Architecture family, int layers, int headDim) {
    this.config = config;
    this.family = family;
    this.layers = layers;
    this.headDim = headDim;
  }

  List<LayerAttention> read() {
    int window = window();
    RotaryEmbedding global =
        rotary(ropeParameters(FULL), config.number("rope_theta", family.defaultRopeTheta()));
    RotaryEmbedding local =
        family == Architecture.Gemma3ForCausalLM
            ? rotary(localRopeParameters(), config.number("rope_local_base_freq", 10000))
            : global;
    List<LayerAttention> attention = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      boolean slides = window > 0 && slides(i);
      RotaryEmbedding rotary = slides(i) ? local : global;
      attention.add(
          new LayerAttention(slides ? window : 0, rotates(i) ? rotary : RotaryEmbedding.NONE));
    }
    return List.copyOf(attention);
  }

  /** The sliding window of those layers that have one; 0 for none. */
  private int window() {
    return switch (family) {
      case LlamaForCausalLM -> 0;
      case Qwen2ForCausalLM, Qwen3ForCausalLM, SmolLM3ForCausalLM ->
          config.flag("use_sliding_window", false) ? config.positive("sliding_window", 0) : 0;
      case Phi3ForCausalLM -> config.positive("sliding_window", 0);
      case MistralForCausalLM, Gemma2ForCausalLM, Gemma3ForCausalLM ->
          // Null is none; transformers has a default where it is missing.
          config.json().has("sliding_window") ? config.positive("sliding_window", 0) : 4096;
    };
  }

  /** Whether a layer is of the kind that has the window. */
  private boolean slides(int layer) {
    if (config.present("layer_types") && family != Architecture.MistralForCausalLM) {
      JsonNode type = config.json().get("layer_types").path(layer);
      if (!type.asText().equals(SLIDING) && !type.asText().equals(FULL)) {
        throw ConfigFields.badData(
            "layer_types[" + layer + "]", type, "\"" + SLIDING + "\" or \"" + FULL + "\"");
      }
      return type.asText().equals(SLIDING);
    }
    return switch (family) {
      case LlamaForCausalLM -> false;
      case MistralForCausalLM, Phi3ForCausalLM -> true;
      case Qwen2ForCausalLM, Qwen3ForCausalLM ->
          layer >= config.json().path("max_window_layers").asInt(28);
      case Gemma2ForCausalLM -> layer % 2 == 0;
      case Gemma3ForCausalLM -> (layer + 1) % config.positive("sliding_window_pattern", 6) != 0;
      case SmolLM3ForCausalLM -> !rotates(layer);
    };
  }

  /** Whether a layer has a position embedding: a 1 in SmolLM3's no_rope_layers says that it has. */
  private boolean rotates(int layer) {
    if (family != Architecture.SmolLM3ForCausalLM) {
      return true;
    }
    if (!config.present("no_rope_layers")) {
      return (layer + 1) % config.positive("no_rope_layer_interval", 4) != 0;
    }
    JsonNode value = config.json().get("no_rope_layers").path(layer);
    if (!value.isInt()) {
      throw ConfigFields.badData("no_rope_layers[" + layer + "]", value, "0 or 1");
    }
    return value.intValue() != 0;
  }

  /**
   * transformers 5 writes rope_parameters, one for each type of layer where they differ;
   * transformers 4 wrote rope_theta and rope_scaling.
   */
  private ConfigFields ropeParameters(String layerType) {
    if (!config.present("rope_parameters")) {
      return config.object("rope_scaling");
    }
    ConfigFields parameters = config.object("rope_parameters");
    return parameters.present(layerType) ? parameters.object(layerType) : parameters;
  }

  /** transformers 4 scaled the layers with full attention only. */
  private ConfigFields localRopeParameters() {
    return config.present("rope_parameters")
        ? ropeParameters(SLIDING)
        : new ConfigFields(MissingNode.getInstance());
  }

  private RotaryEmbedding rotary(ConfigFields rope, double defaultTheta) {
    double theta = rope.number("rope_theta", defaultTheta);
    double share = rope.number("partial_rotary_factor", config.number("partial_rotary_factor", 1));
    RotaryEmbedding plain = RotaryEmbedding.plain((int) (headDim * share), theta);
    String type = rope.text("rope_type", rope.text("type", "default"));
    return switch (type) {
      case "default" -> plain;
      case "linear" -> plain.linear(rope.number("factor"));
      case "llama3" ->
          plain.llama3(
              rope.number("factor"),
              rope.number("low_freq_factor"),
              rope.number("high_freq_factor"),
              rope.number("original_max_position_embeddings"));
      // The first files of Phi-3 call it "su".
      case "longrope", "su" -> longRope(rope, plain);
      default ->
          throw ConfigFields.unsupported(
              "rope type \""
                  + type
                  + "\" is not supported; supported are \"default\", \"linear\", \"llama3\" and"
                  + " \"longrope\"");
    };
  }

  private RotaryEmbedding longRope(ConfigFields rope, RotaryEmbedding plain) {
    String field = "original_max_position_embeddings";
    int original = rope.present(field) ? rope.positive(field) : config.positive(field);
    double factor =
        rope.number("factor", config.positive("max_position_embeddings") / (double) original);
    double magnitude =
        rope.number(
            "attention_factor",
            factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
    return plain.longRope(
        rope.numbers("short_factor", plain.frequencies().length), magnitude, original);
  }
}
