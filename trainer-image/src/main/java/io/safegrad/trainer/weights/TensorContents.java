package io.safegrad.trainer.weights;

import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.stream.Collectors;

/** Tensors that a file is written from. Each is in memory only while it is written. */
public interface TensorContents {

  /** Takes the values of one tensor. */
  @FunctionalInterface
  interface Values {

    /**
     * Uses the values; the buffer is not valid afterwards.
     *
     * @param rowMajor the whole tensor, from the buffer's position to its limit
     */
    void accept(FloatBuffer rowMajor) throws IOException;
  }

  /** The shape of each tensor, outermost first, by its name in the file. */
  Map<String, long[]> shapes();

  /** Hands out one of them. */
  void read(String name, Values values) throws IOException;

  /** Tensors that are in Java's memory. */
  static TensorContents of(Map<String, FloatTensor> tensors) {
    Map<String, long[]> shapes =
        tensors.entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, tensor -> tensor.getValue().shape()));
    return new TensorContents() {

      @Override
      public Map<String, long[]> shapes() {
        return shapes;
      }

      @Override
      public void read(String name, Values values) throws IOException {
        values.accept(FloatBuffer.wrap(tensors.get(name).values()));
      }
    };
  }
}
