package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;

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

  private int size() {
    return (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  private FloatBuffer memory() {
    return tensor.floats().slice(firstElement, size());
  }

  /** Reads it from a checkpoint; never called on transposed tensors. */
  void readFrom(Weights weights) {
    requireShape(weights.shape(name));
    weights.readFloat32(name, memory());
  }

  /** The same part of another tensor of the same shape in memory. */
  NamedTensor within(Tensor other) {
    return new NamedTensor(name, shape, other, firstElement, transposed);
  }

  /** A copy of its values. */
  FloatTensor copy() {
    float[] values = new float[size()];
    memory().get(values);
    return new FloatTensor(shape, transposed ? transpose(values, shape[1], shape[0]) : values);
  }

  /** Its values: those in memory themselves, but for a transposed one. */
  FloatBuffer values() {
    return transposed ? FloatBuffer.wrap(copy().values()) : memory();
  }

  /** Takes over the values of a tensor of its name and shape. */
  void set(Weights source) {
    requireShape(source.shape(name));
    if (transposed) {
      float[] values = new float[size()];
      source.readFloat32(name, FloatBuffer.wrap(values));
      set(new FloatTensor(shape, values));
    } else {
      source.readFloat32(name, memory());
    }
  }

  /** Takes over the values of another tensor of its shape. */
  void set(FloatTensor source) {
    requireShape(source.shape());
    memory().put(transposed ? transpose(source.values(), shape[0], shape[1]) : source.values());
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
