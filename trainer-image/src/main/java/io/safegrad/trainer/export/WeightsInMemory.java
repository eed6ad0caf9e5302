package io.safegrad.trainer.export;

import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/**
 * Weights that are in Java's memory.
 *
 * @param tensors by their Hugging Face names
 */
public record WeightsInMemory(Map<String, FloatTensor> tensors) implements Weights {

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public long[] shape(String name) {
    return tensors.get(name).shape();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    destination.put(tensors.get(name).values());
  }

  @Override
  public void close() {}
}
