package io.safegrad.trainer.weights;

/**
 * A tensor in Java's memory, for reading and writing files.
 *
 * @param shape its dimensions, outermost first
 * @param values its elements in row-major order
 */
public record FloatTensor(long[] shape, float[] values) {

  public FloatTensor {
    long count = 1;
    for (long dimension : shape) {
      count *= dimension;
    }
    if (count != values.length) {
      throw new IllegalArgumentException(
          "a tensor of " + count + " elements cannot hold " + values.length + " values");
    }
  }
}
