package io.safegrad.trainer.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * How Java gets at what tensors hold, on any device. Each reading waits for all that the device has
 * to do before, so they are counted.
 */
final class DeviceMemory {

  private final ComputeDevice device;
  private final Scope staging;
  private final Operators operators;
  private long reads;

  /**
   * @param staging holds copies while they are needed; not used where memory is visible
   */
  DeviceMemory(ComputeDevice device, Scope staging, Operators operators) {
    this.device = device;
    this.staging = staging;
    this.operators = operators;
  }

  /** Of tensors on the host, which all are visible. */
  static DeviceMemory ofHost() {
    return new DeviceMemory(ComputeDevice.CPU, null, null);
  }

  ComputeDevice device() {
    return device;
  }

  /** How often something was read. */
  long reads() {
    return reads;
  }

  /**
   * The tensor's memory itself.
   *
   * @throws IllegalStateException when it is not visible
   */
  ByteBuffer view(PtNDArray array, DataType expected) {
    if (!device.visible()) {
      throw new IllegalStateException("Java does not see the memory of " + device.name());
    }
    reads++;
    return bytes(array, expected);
  }

  /** Reads a tensor's elements; what the reader is given is valid until it returns. */
  <T> T read(Tensor tensor, DataType expected, Function<ByteBuffer, T> reader) {
    reads++;
    if (device.visible()) {
      return reader.apply(bytes(tensor.array, expected));
    }
    try (Scope copies = staging.child()) {
      return reader.apply(bytes(operators.one(copies, "to_host", tensor).array, expected));
    }
  }

  /** Some elements of a float32 tensor: the memory itself where it is visible, else a copy. */
  FloatBuffer floats(Tensor tensor, int first, int count) {
    if (device.visible()) {
      return view(tensor.array, DataType.FLOAT32).asFloatBuffer().slice(first, count);
    }
    try (Scope copies = staging.child()) {
      Tensor some = operators.one(copies, "elements", tensor, first, count);
      return FloatBuffer.wrap(some.toFloatArray());
    }
  }

  /** Writes some elements of a float32 tensor. */
  void write(Tensor tensor, int first, int count, Consumer<FloatBuffer> content) {
    if (device.visible()) {
      content.accept(bytes(tensor.array, DataType.FLOAT32).asFloatBuffer().slice(first, count));
      return;
    }
    try (Scope copies = staging.child()) {
      Tensor host = copies.host(count);
      content.accept(bytes(host.array, DataType.FLOAT32).asFloatBuffer());
      operators.apply("copy_", operators.one(copies, "elements", tensor, first, count), host);
    }
  }

  /** A tensor of the host on the device; the host's may be closed at once. */
  Tensor toDevice(Scope results, Tensor host) {
    return operators.one(results, "to_device", host, device.name());
  }

  static ByteBuffer bytes(PtNDArray array, DataType expected) {
    if (array.getDataType() != expected) {
      throw new IllegalStateException(
          "a tensor of " + array.getDataType() + " cannot be read as " + expected);
    }
    return array.toByteBuffer(true).order(ByteOrder.nativeOrder());
  }
}
