package io.safegrad.trainer.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;

/**
 * Holds tensors and closes all of them, and its child scopes, when it is closed. Not for concurrent
 * use.
 */
public final class Scope implements AutoCloseable {

  final PtNDManager manager;

  Scope(PtNDManager manager) {
    this.manager = manager;
  }

  /** A scope that ends with this one, or earlier. */
  public Scope child() {
    return new Scope((PtNDManager) manager.newSubManager());
  }

  /** A float32 tensor with undefined contents, to be filled through {@link Tensor#floats()}. */
  public Tensor uninitialised(long... shape) {
    return new Tensor(manager.create(new Shape(shape), DataType.FLOAT32));
  }

  /** A float32 tensor of the given values in row-major order. */
  public Tensor float32(float[] values, long... shape) {
    Tensor tensor = uninitialised(shape);
    tensor.floats().put(values);
    return tensor;
  }

  /** An int64 vector. */
  public Tensor int64(long[] values) {
    Tensor tensor = new Tensor(manager.create(new Shape(values.length), DataType.INT64));
    tensor.longs().put(values);
    return tensor;
  }

  /** Moves a tensor of another scope into this one. */
  public Tensor keep(Tensor tensor) {
    tensor.array.attach(manager);
    return tensor;
  }

  /** How many tensors are open in this scope and in its child scopes. */
  public int open() {
    return manager.getManagedArrays().size();
  }

  @Override
  public void close() {
    manager.close();
  }
}
