package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/** A gradient by everything that a model trains. */
public final class Gradient {

  private final ModelTensors tensors;
  private final List<Tensor> vector;
  private final List<List<Tensor>> layers;

  Gradient(ModelTensors tensors) {
    this.tensors = tensors;
    this.vector = tensors.flat();
    this.layers = tensors.layered();
  }

  /** Its parts, each of the shape and at the place of one of {@link CausalLm#parameters()}. */
  public List<Tensor> vector() {
    return vector;
  }

  /** The same by decoder layer; what is in none of them is a group of its own, if there is any. */
  public List<List<Tensor>> layers() {
    return layers;
  }

  ModelTensors tensors() {
    return tensors;
  }
}
