package io.safegrad.trainer.builtin;

import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * A Llama's weights before training, as Hugging Face transformers initialises them: matrices from a
 * normal distribution with standard deviation 0.02, norms 1. The same seed gives the same weights.
 */
final class UntrainedWeights implements Weights {

  private static final double INITIALIZER_RANGE = 0.02;

  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final long seed;

  /**
   * @param headDim width of one attention head; hidden is heads times this
   */
  UntrainedWeights(
      int vocabulary,
      int hidden,
      int intermediate,
      int layers,
      int headDim,
      int keyValueHeads,
      long seed) {
    this.seed = seed;
    shapes.put("model.embed_tokens.weight", new long[] {vocabulary, hidden});
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", new long[] {hidden});
      shapes.put(layer + "self_attn.q_proj.weight", new long[] {hidden, hidden});
      for (String linear : new String[] {"k_proj", "v_proj"}) {
        shapes.put(
            layer + "self_attn." + linear + ".weight",
            new long[] {(long) keyValueHeads * headDim, hidden});
      }
      shapes.put(layer + "self_attn.o_proj.weight", new long[] {hidden, hidden});
      shapes.put(layer + "post_attention_layernorm.weight", new long[] {hidden});
      shapes.put(layer + "mlp.gate_proj.weight", new long[] {intermediate, hidden});
      shapes.put(layer + "mlp.up_proj.weight", new long[] {intermediate, hidden});
      shapes.put(layer + "mlp.down_proj.weight", new long[] {hidden, intermediate});
    }
    shapes.put("model.norm.weight", new long[] {hidden});
  }

  @Override
  public Set<String> names() {
    return shapes.keySet();
  }

  @Override
  public long[] shape(String name) {
    return shapes.get(name).clone();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    long[] shape = shapes.get(name);
    if (shape.length == 1) {
      for (int i = 0; i < shape[0]; i++) {
        destination.put(1f);
      }
      return;
    }
    // A generator per tensor: the order of reading does not matter.
    Random random = new Random(seed * 31 + name.hashCode());
    for (long i = 0; i < shape[0] * shape[1]; i++) {
      destination.put((float) (random.nextGaussian() * INITIALIZER_RANGE));
    }
  }

  @Override
  public void close() {}
}
