package io.safegrad.trainer.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;

/**
 * A dense tensor in torch's memory. It can be read, written and closed; every computation is an
 * operator ({@link Operators}), because DJL's own arithmetic is unsafe for gradients. It lives as
 * long as the {@link Scope} that holds it, or until it is closed.
 */
public final class Tensor implements AutoCloseable {

  final PtNDArray array;

  Tensor(PtNDArray array) {
    this.array = array;
  }

  /** The dimensions, outermost first; empty for a scalar. */
  public long[] shape() {
    return array.getShape().getShape();
  }

  /** The number of elements. */
  public long size() {
    return array.getShape().size();
  }

  /**
   * A view of the tensor's memory: what is written to it is written to the tensor. Valid until the
   * tensor is closed.
   *
   * @throws IllegalStateException when this is not a float32 tensor
   */
  public FloatBuffer floats() {
    return memory(DataType.FLOAT32).asFloatBuffer();
  }

  /**
   * A view of the tensor's memory, as {@link #floats()}.
   *
   * @throws IllegalStateException when this is not an int64 tensor
   */
  public LongBuffer longs() {
    return memory(DataType.INT64).asLongBuffer();
  }

  /**
   * A view of the tensor's memory, as {@link #floats()}.
   *
   * @throws IllegalStateException when this is not a float64 tensor
   */
  public DoubleBuffer doubles() {
    return memory(DataType.FLOAT64).asDoubleBuffer();
  }

  /**
   * The only element of a float32 or float64 tensor.
   *
   * @throws IllegalStateException when there is not exactly one element
   */
  public double item() {
    if (size() != 1) {
      throw new IllegalStateException("a tensor of " + size() + " elements has no single value");
    }
    return array.getDataType() == DataType.FLOAT64
        ? memory(DataType.FLOAT64).getDouble(0)
        : memory(DataType.FLOAT32).getFloat(0);
  }

  /** A copy of the elements in row-major order. */
  public float[] toFloatArray() {
    FloatBuffer source = floats();
    float[] values = new float[source.remaining()];
    source.get(values);
    return values;
  }

  private ByteBuffer memory(DataType expected) {
    if (array.getDataType() != expected) {
      throw new IllegalStateException(
          "a tensor of " + array.getDataType() + " cannot be read as " + expected);
    }
    return array.toByteBuffer(true).order(ByteOrder.nativeOrder());
  }

  /** Frees the memory, unless other tensors share it. Closing twice does nothing. */
  @Override
  public void close() {
    array.close();
  }
}
