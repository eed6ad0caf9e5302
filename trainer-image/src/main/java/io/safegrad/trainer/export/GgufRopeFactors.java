package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.model.RotaryEmbedding;
import java.util.Map;

/**
 * By how much wavelengths of the rotary embedding are stretched, which a GGUF file has as tensors.
 */
final class GgufRopeFactors {

  private static final double SAME = 1e-5;

  private GgufRopeFactors() {}

  /**
   * The tensors: of Llama 3's scaling one factor for each pair of a head's elements, of LongRoPE
   * one for the original context and one beyond it.
   *
   * @param json the model's config.json
   * @return by their names in the file; empty when nothing is stretched
   * @throws TrainerException with BAD_PLAN for a family whose file has no place for them
   */
  static Map<String, float[]> of(ModelConfig config, JsonNode json) {
    GgufFamily family = GgufFamily.of(config);
    // Gemma 3's linear scaling is a field.
    float[] factors =
        family == GgufFamily.Gemma3ForCausalLM
            ? new float[0]
            : factors(
                config.attention().get(0).rotary(), GgufArchitectureFields.theta(json, config));
    boolean scaled = false;
    for (float factor : factors) {
      scaled |= Math.abs(factor - 1) > SAME;
    }
    if (family == GgufFamily.Phi3ForCausalLM) {
      boolean longRope = config.attention().get(0).rotary().maxPositions() < Integer.MAX_VALUE;
      if (longRope) {
        return Map.of(
            "rope_factors_short.weight",
            factors,
            "rope_factors_long.weight",
            longFactors(json, factors.length));
      }
    } else if (scaled && family.architecture().equals("llama")) {
      return Map.of("rope_freqs.weight", factors);
    }
    if (scaled) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "config.json: %s with a rotary scaling cannot be written as GGUF"
              .formatted(config.architecture()));
    }
    return Map.of();
  }

  private static float[] factors(RotaryEmbedding rotary, double theta) {
    float[] frequencies = rotary.frequencies();
    float[] factors = new float[frequencies.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) (Math.pow(theta, -1.0 * i / factors.length) / frequencies[i]);
    }
    return factors;
  }

  private static float[] longFactors(JsonNode json, int count) {
    JsonNode rope =
        json.has("rope_parameters") ? json.path("rope_parameters") : json.path("rope_scaling");
    JsonNode values = rope.path("long_factor");
    if (!values.isArray() || values.size() != count) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "config.json: long_factor: expected a list of %d numbers, found %s"
              .formatted(count, values.isArray() ? values.size() : "none"));
    }
    float[] factors = new float[count];
    for (int i = 0; i < count; i++) {
      factors[i] = (float) values.path(i).asDouble();
    }
    return factors;
  }
}
