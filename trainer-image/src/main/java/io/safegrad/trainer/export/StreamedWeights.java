package io.safegrad.trainer.export;

import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

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

  /**
   * Hands out a tensor with its rows in another order.
   *
   * @param sourceRow where in the tensor each row comes from
   */
  void read(String name, IntUnaryOperator sourceRow, Values values) throws IOException {
    try (Scope scope = torch.scope().child()) {
      Tensor reordered = scope.uninitialised(weights.shape(name));
      FloatBuffer rows = reordered.floats();
      int count = Math.toIntExact(reordered.shape()[0]);
      int width = Math.toIntExact(reordered.size() / count);
      read(
          name,
          source -> {
            for (int row = 0; row < count; row++) {
              rows.put(row * width, source, sourceRow.applyAsInt(row) * width, width);
            }
          });
      values.accept(rows);
    }
  }

  @Override
  public void close() {
    torch.close();
  }
}
