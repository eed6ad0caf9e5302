package io.safegrad.trainer.export;

import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model's weights for a file to be written from, one tensor at a time: in torch's memory, because
 * one tensor may be larger than Java's heap.
 */
final class StreamedWeights implements TensorContents, AutoCloseable {

  private final Weights weights;
  private final Map<String, long[]> shapes = new TreeMap<>();
  private final Torch torch = Torch.open();

  StreamedWeights(Weights weights) {
    this.weights = weights;
    weights.names().forEach(name -> shapes.put(name, weights.shape(name)));
  }

  @Override
  public Map<String, long[]> shapes() {
    return shapes;
  }

  @Override
  public void read(String name, Values values) throws IOException {
    try (Scope scope = torch.scope().child()) {
      Tensor tensor = scope.uninitialised(weights.shape(name));
      weights.readFloat32(name, tensor.floats());
      values.accept(tensor.floats());
    }
  }

  @Override
  public void close() {
    torch.close();
  }
}
