package io.safegrad.trainer.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A dense tensor in torch's memory. It can be read, written and closed; every computation is an
 * operator ({@link Operators}), because DJL's own arithmetic is unsafe for gradients. It lives as
 * long as the {@link Scope} that holds it, or until it is closed.
 */
public final class Tensor implements AutoCloseable {

  final PtNDArray array;
  private final DeviceMemory memory;

  Tensor(PtNDArray array, DeviceMemory memory) {
    this.array = array;
    this.memory = memory;
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
   * @throws IllegalStateException when this is not a float32 tensor, or on a device whose memory
   *     Java does not see
   */
  public FloatBuffer floats() {
    return memory.view(array, DataType.FLOAT32).asFloatBuffer();
  }

  /**
   * Some elements of a float32 tensor, in row-major order: a view as {@link #floats()} where Java
   * sees the device's memory, else a copy.
   */
  public FloatBuffer read(int first, int count) {
    return memory.floats(this, first, count);
  }

  /**
   * Writes some elements of a float32 tensor.
   *
   * @param content writes as many, in row-major order
   */
  public void write(int first, int count, Consumer<FloatBuffer> content) {
    memory.write(this, first, count, content);
  }

  /** Whether Java sees its memory: on the host always. */
  public boolean visible() {
    return memory.device().visible();
  }

  /**
   * A view of the memory of some elements, in row-major order and the machine's byte order. Valid
   * until the tensor is closed.
   *
   * @throws IllegalStateException when it is not {@link #visible}
   */
  public ByteBuffer bytes(int first, int count) {
    ByteBuffer all = memory.view(array, array.getDataType());
    // Not by its type: DJL does not know bfloat16's size.
    int size = (int) (all.capacity() / size());
    return all.slice(first * size, count * size).order(ByteOrder.nativeOrder());
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
        ? read(DataType.FLOAT64, bytes -> bytes.getDouble(0))
        : (double) read(DataType.FLOAT32, bytes -> bytes.getFloat(0));
  }

  /** A copy of the elements of a float32 tensor in row-major order. */
  public float[] toFloatArray() {
    float[] values = new float[(int) size()];
    return read(
        DataType.FLOAT32,
        bytes -> {
          bytes.asFloatBuffer().get(values);
          return values;
        });
  }

  /** The same of a float64 tensor. */
  public double[] toDoubleArray() {
    double[] values = new double[(int) size()];
    return read(
        DataType.FLOAT64,
        bytes -> {
          bytes.asDoubleBuffer().get(values);
          return values;
        });
  }

  /** The same of an int64 tensor. */
  public long[] toLongArray() {
    long[] values = new long[(int) size()];
    return read(
        DataType.INT64,
        bytes -> {
          bytes.asLongBuffer().get(values);
          return values;
        });
  }

  private <T> T read(DataType expected, Function<ByteBuffer, T> reader) {
    return memory.read(this, expected, reader);
  }

  /** Frees the memory, unless other tensors share it. Closing twice does nothing. */
  @Override
  public void close() {
    array.close();
  }
}
