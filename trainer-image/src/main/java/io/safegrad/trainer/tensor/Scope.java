package io.safegrad.trainer.tensor;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.function.Consumer;

/**
 * Holds tensors of one device and closes all of them, and its child scopes, when it is closed. Not
 * for concurrent use.
 */
public final class Scope implements AutoCloseable {

  final PtNDManager manager;
  private final DeviceMemory memory;

  Scope(PtNDManager manager, DeviceMemory memory) {
    this.manager = manager;
    this.memory = memory;
  }

  /** A scope that ends with this one, or earlier. */
  public Scope child() {
    return new Scope((PtNDManager) manager.newSubManager(), memory);
  }

  /** The same, whose tensors are on the host, whatever the device. */
  public Scope onHost() {
    return new Scope((PtNDManager) manager.newSubManager(Device.cpu()), DeviceMemory.ofHost());
  }

  /** A float32 tensor with undefined contents, to be filled by {@link Tensor#write}. */
  public Tensor uninitialised(long... shape) {
    return tensor(manager.create(new Shape(shape), DataType.FLOAT32));
  }

  /** The same on the host, whatever the device: to be filled and moved there later. */
  public Tensor host(long... shape) {
    return host(DataType.FLOAT32, shape);
  }

  /** A float32 tensor of the given values in row-major order. */
  public Tensor float32(float[] values, long... shape) {
    return float32(buffer -> buffer.put(values), shape);
  }

  /**
   * A float32 tensor.
   *
   * @param content writes its elements in row-major order
   */
  public Tensor float32(Consumer<FloatBuffer> content, long... shape) {
    return filled(DataType.FLOAT32, bytes -> content.accept(bytes.asFloatBuffer()), shape);
  }

  /** An int64 vector. */
  public Tensor int64(long[] values) {
    return filled(DataType.INT64, bytes -> bytes.asLongBuffer().put(values), values.length);
  }

  /** An int32 vector. */
  public Tensor int32(int[] values) {
    return filled(DataType.INT32, bytes -> bytes.asIntBuffer().put(values), values.length);
  }

  /** Moves a tensor of another scope into this one. */
  public Tensor keep(Tensor tensor) {
    tensor.array.attach(manager);
    return tensor;
  }

  /** Puts a tensor of the host, which is closed, on the device. */
  public Tensor moved(Tensor host) {
    try (host) {
      return memory.toDevice(this, host);
    }
  }

  /** How many tensors are open in this scope and in its child scopes. */
  public int open() {
    return manager.getManagedArrays().size();
  }

  Tensor tensor(PtNDArray array) {
    return new Tensor(array, memory);
  }

  private Tensor filled(DataType type, Consumer<ByteBuffer> content, long... shape) {
    Tensor host = host(type, shape);
    content.accept(DeviceMemory.bytes(host.array, type));
    return memory.device().visible() ? tensor(host.array) : moved(host);
  }

  private Tensor host(DataType type, long... shape) {
    PtNDArray array =
        JniUtils.createEmptyNdArray(
            manager, new Shape(shape), type, Device.cpu(), SparseFormat.DENSE);
    return new Tensor(array, DeviceMemory.ofHost());
  }

  @Override
  public void close() {
    manager.close();
  }
}
