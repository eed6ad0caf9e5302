package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.GgufWeights;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A model's weights under the names and in the layout of a GGUF file. */
final class GgufTensors implements TensorContents {

  private final StreamedWeights weights;
  private final ModelConfig config;
  private final GgufFamily family;
  private final Map<String, float[]> ropeFactors;
  private final Map<String, String> sources = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  /**
   * @param json the model's config.json
   */
  GgufTensors(StreamedWeights weights, ModelConfig config, JsonNode json) {
    this.weights = weights;
    this.config = config;
    this.family = GgufFamily.of(config);
    this.ropeFactors = GgufRopeFactors.of(config, json);
    for (String name : weights.shapes().keySet()) {
      ggufName(config, name)
          .ifPresent(
              ggufName -> {
                sources.put(ggufName, name);
                shapes.put(ggufName, weights.shapes().get(name));
              });
    }
    ropeFactors.forEach((name, factors) -> shapes.put(name, new long[] {factors.length}));
  }

  /**
   * A tensor's name in the file; empty for one that is not written, since it is computed or the
   * same as another.
   *
   * @throws TrainerException with BAD_PLAN for one that has no place there
   */
  static Optional<String> ggufName(ModelConfig config, String name) {
    boolean computed = name.endsWith(".rotary_emb.inv_freq");
    boolean tied = config.tiedHead() && name.equals("lm_head.weight");
    if (computed || tied) {
      return Optional.empty();
    }
    return Optional.of(
        GgufFamily.of(config)
            .tensorName(name)
            .orElseThrow(
                () ->
                    new TrainerException(
                        ExitReason.BAD_PLAN, "tensor " + name + " has no place in a GGUF file")));
  }

  /** How each is stored, in the order of the file. */
  Map<String, StorageType> types(StorageType matrices) {
    Map<String, StorageType> types = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) -> {
          boolean whole = shape[shape.length - 1] % matrices.blockElements() == 0;
          types.put(
              name,
              shape.length == 1 ? StorageType.FLOAT32 : whole ? matrices : StorageType.FLOAT16);
        });
    return types;
  }

  @Override
  public Map<String, long[]> shapes() {
    return shapes;
  }

  @Override
  public void read(String name, Values values) throws IOException {
    if (ropeFactors.containsKey(name)) {
      values.accept(FloatBuffer.wrap(ropeFactors.get(name)));
      return;
    }
    String source = sources.get(name);
    int heads = family.permuted() ? permutedHeads(source) : 0;
    if (heads > 0) {
      int headRows = Math.toIntExact(shapes.get(name)[0] / heads);
      weights.read(source, row -> GgufWeights.huggingFaceRow(row, headRows), values);
    } else if (config.normOffset() != 0 && source.endsWith("norm.weight")) {
      weights.read(source, norm -> values.accept(plus((float) config.normOffset(), norm)));
    } else {
      weights.read(source, values);
    }
  }

  /** llama.cpp multiplies by the weight itself, where Gemma has 1 + w. */
  private static FloatBuffer plus(float offset, FloatBuffer values) {
    for (int i = values.position(); i < values.limit(); i++) {
      values.put(i, values.get(i) + offset);
    }
    return values;
  }

  private int permutedHeads(String name) {
    if (name.contains(".q_proj.")) {
      return config.heads();
    }
    return name.contains(".k_proj.") ? config.keyValueHeads() : 0;
  }
}
