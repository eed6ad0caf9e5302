package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * A tensor as files know it: a name, and whole rows of a tensor in memory, where those of several
 * names may stand one below the other.
 *
 * @param name its name in files
 * @param shape its shape in files
 * @param tensor the tensor in memory that holds it
 * @param firstElement where its elements begin in that tensor
 * @param transposed whether memory holds the transpose of a matrix in the file
 */
record NamedTensor(String name, long[] shape, Tensor tensor, int firstElement, boolean transposed) {

  /** How many elements it has. */
  int size() {
    return (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  private FloatBuffer read() {
    return tensor.read(firstElement, size());
  }

  private void write(Consumer<FloatBuffer> content) {
    tensor.write(firstElement, size(), content);
  }

  /** Reads it from a checkpoint; never called on transposed tensors. */
  void readFrom(Weights weights) {
    requireShape(weights);
    write(memory -> weights.readFloat32(name, memory));
  }

  /** The same, where the checkpoint stores it in the type that the tensor has. */
  void copyFrom(Weights weights) {
    requireShape(weights);
    weights.readStored(name, 0, tensor.bytes(firstElement, size()));
  }

  /** Refuses a checkpoint that has it in another shape. */
  void requireShape(Weights weights) {
    requireShape(weights.shape(name));
  }

  /** The same part of another tensor of the same shape in memory. */
  NamedTensor within(Tensor other) {
    return new NamedTensor(name, shape, other, firstElement, transposed);
  }

  /** A copy of its values. */
  FloatTensor copy() {
    float[] values = new float[size()];
    read().get(values);
    return new FloatTensor(shape, transposed ? transpose(values, shape[1], shape[0]) : values);
  }

  /** Its values: those in memory themselves where that can be, and not for a transposed one. */
  FloatBuffer values() {
    return transposed ? FloatBuffer.wrap(copy().values()) : read();
  }

  /** Takes over the values of a tensor of its name and shape. */
  void set(Weights source) {
    requireShape(source.shape(name));
    if (transposed) {
      float[] values = new float[size()];
      source.readFloat32(name, FloatBuffer.wrap(values));
      set(new FloatTensor(shape, values));
    } else {
      write(memory -> source.readFloat32(name, memory));
    }
  }

  /** Takes over the values of another tensor of its shape. */
  void set(FloatTensor source) {
    requireShape(source.shape());
    float[] values = transposed ? transpose(source.values(), shape[0], shape[1]) : source.values();
    write(memory -> memory.put(values));
  }

  private void requireShape(long[] found) {
    if (!Arrays.equals(found, shape)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          name
              + " has shape "
              + Arrays.toString(found)
              + "; expected "
              + Arrays.toString(shape)
              + " by config.json");
    }
  }

  private static float[] transpose(float[] values, long rows, long columns) {
    float[] transposed = new float[values.length];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        transposed[(int) (column * rows) + row] = values[(int) (row * columns) + column];
      }
    }
    return transposed;
  }
}
