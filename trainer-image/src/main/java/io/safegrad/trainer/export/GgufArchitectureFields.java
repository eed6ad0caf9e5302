package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.model.RotaryEmbedding;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model's shape as the metadata of a GGUF file. llama.cpp knows more of a family than its file
 * says: which layers slide, the scale of Gemma's scores, which layers of SmolLM3 have no position
 * embedding. A model that differs there is refused, because the file cannot say so.
 */
final class GgufArchitectureFields {

  /** Every sixth layer of Gemma 3 attends to everything, every second one of Gemma 2. */
  private static final int GEMMA3_PERIOD = 6;

  private static final int GEMMA2_PERIOD = 2;

  /** Every fourth layer of SmolLM3 has no position embedding. */
  private static final int SMOLLM3_PERIOD = 4;

  private static final int GEMMA2_27B_LAYERS = 46;
  private static final int GEMMA3_27B_LAYERS = 62;
  private static final double SAME = 1e-6;
  private static final double SAME_FREQUENCY = 1e-5;

  private final Map<String, Object> fields = new LinkedHashMap<>();
  private final GgufFamily family;
  private final ModelConfig config;
  private final JsonNode json;
  private final String prefix;

  private GgufArchitectureFields(ModelConfig config, JsonNode json) {
    this.family = GgufFamily.of(config);
    this.config = config;
    this.json = json;
    this.prefix = family.architecture() + ".";
  }

  /**
   * The metadata.
   *
   * @param json the model's config.json
   * @throws TrainerException with BAD_PLAN for a model that llama.cpp would compute in another way
   */
  static Map<String, Object> of(ModelConfig config, JsonNode json) {
    return new GgufArchitectureFields(config, json).fields();
  }

  private Map<String, Object> fields() {
    put("vocab_size", (long) config.vocabSize());
    put("context_length", json.path("max_position_embeddings").asLong(2048));
    put("embedding_length", (long) config.hiddenSize());
    put("block_count", (long) config.layers());
    put("feed_forward_length", (long) config.intermediateSize());
    put("attention.head_count", (long) config.heads());
    put("attention.head_count_kv", (long) config.keyValueHeads());
    put("attention.key_length", (long) config.headDim());
    put("attention.value_length", (long) config.headDim());
    put("attention.layer_norm_rms_epsilon", config.rmsNormEps());
    put("rope.dimension_count", 2L * fullRotary().frequencies().length);
    put("rope.freq_base", theta(json, config));
    switch (family) {
      case Gemma2ForCausalLM -> {
        requireScale(GEMMA2_27B_LAYERS);
        window(GEMMA2_PERIOD);
        put("attn_logit_softcapping", config.attentionSoftCap());
        put("final_logit_softcapping", config.logitSoftCap());
      }
      case Gemma3ForCausalLM -> {
        requireScale(GEMMA3_27B_LAYERS);
        window(GEMMA3_PERIOD);
        gemma3Rotary();
      }
      case SmolLM3ForCausalLM -> {
        for (int i = 0; i < config.layers(); i++) {
          boolean rotates = config.attention().get(i).rotary().frequencies().length > 0;
          require(
              rotates == ((i + 1) % SMOLLM3_PERIOD != 0),
              "with other layers without RoPE than every fourth");
        }
        window(1);
      }
      case Phi3ForCausalLM -> {
        window(1);
        longRope();
      }
      default -> window(1);
    }
    return fields;
  }

  private void put(String key, Object value) {
    fields.put(prefix + key, value);
  }

  private void require(boolean holds, String what) {
    if (!holds) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s %s cannot be written as GGUF".formatted(config.architecture(), what));
    }
  }

  /** The sliding window of all layers but each last one of a period; a period of 1 has no other. */
  private void window(int period) {
    List<ModelConfig.LayerAttention> layers = config.attention();
    int window = layers.get(0).window();
    boolean asExpected =
        IntStream.range(0, layers.size())
            .allMatch(
                i -> {
                  boolean full = period > 1 && (i + 1) % period == 0;
                  return layers.get(i).window() == (full ? 0 : window);
                });
    require(asExpected, "with a sliding window in other layers than llama.cpp has it");
    require(period == 1 || window > 0, "without its sliding window");
    if (window > 0) {
      put("attention.sliding_window", (long) window);
    }
  }

  /** llama.cpp scales by the width of a head, but for the largest model. */
  private void requireScale(int layersOfTheLargest) {
    int width =
        config.layers() == layersOfTheLargest
            ? config.hiddenSize() / config.heads()
            : config.headDim();
    require(
        Math.abs(config.attentionScale() * Math.sqrt(width) - 1) < SAME,
        "with query_pre_attn_scalar other than " + width);
  }

  /** The position embedding of a layer that attends to everything, where there is one. */
  private RotaryEmbedding fullRotary() {
    return config.attention().stream()
        .filter(layer -> layer.window() == 0 && layer.rotary().frequencies().length > 0)
        .findFirst()
        .orElse(config.attention().get(0))
        .rotary();
  }

  /** Layers with a window have a base of their own; the others' positions may be divided. */
  private void gemma3Rotary() {
    double local =
        json.path("rope_parameters")
            .path("sliding_attention")
            .path("rope_theta")
            .asDouble(json.path("rope_local_base_freq").asDouble(10000));
    double factor = 1 / fullRotary().frequencies()[0];
    requireFrequencies(config.attention().get(0).rotary(), local, 1);
    requireFrequencies(fullRotary(), theta(json, config), factor);
    put("rope.freq_base_swa", local);
    if (factor != 1) {
      put("rope.scaling.type", "linear");
      put("rope.scaling.factor", factor);
    }
  }

  private void requireFrequencies(RotaryEmbedding rotary, double theta, double factor) {
    float[] found = rotary.frequencies();
    for (int i = 0; i < found.length; i++) {
      double expected = Math.pow(theta, -2.0 * i / config.headDim()) / factor;
      require(Math.abs(found[i] / expected - 1) < SAME_FREQUENCY, "with this rotary scaling");
    }
  }

  private void longRope() {
    if (fullRotary().maxPositions() < Integer.MAX_VALUE) {
      put("rope.scaling.original_context_length", (long) fullRotary().maxPositions());
      put("rope.scaling.attn_factor", fullRotary().magnitude());
    }
  }

  /** The base of the rotary embedding, of layers with full attention. */
  static double theta(JsonNode json, ModelConfig config) {
    boolean gemma3 = GgufFamily.of(config) == GgufFamily.Gemma3ForCausalLM;
    boolean smollm3 = GgufFamily.of(config) == GgufFamily.SmolLM3ForCausalLM;
    double old = json.path("rope_theta").asDouble(gemma3 ? 1e6 : smollm3 ? 2e6 : 1e4);
    JsonNode parameters = json.path("rope_parameters");
    return parameters
        .path("full_attention")
        .path("rope_theta")
        .asDouble(parameters.path("rope_theta").asDouble(old));
  }
}
