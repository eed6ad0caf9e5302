package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/** A gradient by everything that a model trains. */
public final class Gradient {

  private final ModelTensors tensors;
  private final List<Tensor> vector;

  Gradient(ModelTensors tensors) {
    this.tensors = tensors;
    this.vector = tensors.flat();
  }

  /** Its parts, each of the shape and at the place of one of {@link CausalLm#parameters()}. */
  public List<Tensor> vector() {
    return vector;
  }

  ModelTensors tensors() {
    return tensors;
  }
}
