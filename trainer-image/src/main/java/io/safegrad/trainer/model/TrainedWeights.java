package io.safegrad.trainer.model;

import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * What is trained, or something that has a value for each trained one, as files know it. It stays
 * in torch's memory: in mode Full it is larger than Java's heap. Not valid after its model.
 */
final class TrainedWeights implements Weights, TensorContents {

  private final Map<String, NamedTensor> tensors = new LinkedHashMap<>();
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  TrainedWeights(Iterable<NamedTensor> named) {
    for (NamedTensor tensor : named) {
      tensors.put(tensor.name(), tensor);
      shapes.put(tensor.name(), tensor.shape());
    }
  }

  @Override
  public Set<String> names() {
    return tensors.keySet();
  }

  @Override
  public long[] shape(String name) {
    return tensors.get(name).shape().clone();
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    destination.put(tensors.get(name).values());
  }

  @Override
  public Map<String, long[]> shapes() {
    return shapes;
  }

  @Override
  public void read(String name, Values values) throws IOException {
    values.accept(tensors.get(name).values());
  }

  /** Nothing: the memory is the model's. */
  @Override
  public void close() {}
}
