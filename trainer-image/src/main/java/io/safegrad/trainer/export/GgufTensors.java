package io.safegrad.trainer.export;

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

  /** Factors of the rotary embedding's wavelengths, which Hugging Face has in the configuration. */
  private static final String ROPE_FACTORS = "rope_freqs.weight";

  private static final double SAME = 1e-5;

  private final StreamedWeights weights;
  private final ModelConfig config;
  private final boolean permuted;
  private final float[] ropeFactors;
  private final Map<String, String> sources = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  /**
   * @param theta base of the rotary embedding
   */
  GgufTensors(StreamedWeights weights, ModelConfig config, double theta) {
    this.weights = weights;
    this.config = config;
    this.permuted = GgufModel.isLlama(config);
    this.ropeFactors = ropeFactors(config, theta);
    for (String name : weights.shapes().keySet()) {
      ggufName(config, name)
          .ifPresent(
              ggufName -> {
                sources.put(ggufName, name);
                shapes.put(ggufName, weights.shapes().get(name));
              });
    }
    if (ropeFactors.length > 0) {
      shapes.put(ROPE_FACTORS, new long[] {ropeFactors.length});
    }
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
        GgufWeights.ggufName(name)
            .orElseThrow(
                () ->
                    new TrainerException(
                        ExitReason.BAD_PLAN, "tensor " + name + " has no place in a GGUF file")));
  }

  /**
   * By how much each wavelength is stretched.
   *
   * @return one factor for each pair of a head's elements; none when nothing is
   * @throws TrainerException with BAD_PLAN for an architecture whose file has no place for them
   */
  static float[] ropeFactors(ModelConfig config, double theta) {
    float[] frequencies = config.attention().get(0).rotary().frequencies();
    float[] factors = new float[frequencies.length];
    boolean scaled = false;
    for (int i = 0; i < factors.length; i++) {
      factors[i] = (float) (Math.pow(theta, -2.0 * i / config.headDim()) / frequencies[i]);
      scaled |= Math.abs(factors[i] - 1) > SAME;
    }
    if (scaled && !GgufModel.isLlama(config)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "config.json: %s with a rotary scaling cannot be written as GGUF"
              .formatted(config.architecture()));
    }
    return scaled ? factors : new float[0];
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
    if (name.equals(ROPE_FACTORS)) {
      values.accept(FloatBuffer.wrap(ropeFactors));
      return;
    }
    int heads = permuted ? permutedHeads(sources.get(name)) : 0;
    if (heads == 0) {
      weights.read(sources.get(name), values);
    } else {
      int headRows = Math.toIntExact(shapes.get(name)[0] / heads);
      weights.read(sources.get(name), row -> GgufWeights.huggingFaceRow(row, headRows), values);
    }
  }

  private int permutedHeads(String name) {
    if (name.contains(".q_proj.")) {
      return config.heads();
    }
    return name.contains(".k_proj.") ? config.keyValueHeads() : 0;
  }
}
