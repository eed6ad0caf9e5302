package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Where layers keep their outputs and what they save, from one pass to the next: memory that is
 * there already is written faster than memory that the system has to clear first, and what comes
 * and goes besides leaves no holes in it. On a device that has such a store of its own, nothing.
 */
final class ActivationMemory {

  private final Scope scope;
  private final Operators operators;
  private final long outputWidth;
  private final long layerWidth;
  private final boolean kept;
  private final List<Tensor> outputs = new ArrayList<>();
  private final List<Tensor> saved = new ArrayList<>();
  private final Tensor none;
  private long tokens;
  private long savedWidth;

  /**
   * @param kept whether the device's memory is worth keeping
   */
  ActivationMemory(ModelConfig config, Scope scope, Operators operators, boolean kept) {
    this.scope = scope;
    this.operators = operators;
    this.outputWidth = config.hiddenSize();
    this.layerWidth = new ModelSize(config).layerWidth();
    this.kept = kept;
    this.none = scope.uninitialised(0);
  }

  /** Makes sure that passes of a model over so many tokens find room. */
  void reserve(ModelTensors model, long tokens) {
    long width = layerWidth + model.layers().get(0).adapterWidth();
    if (tokens > this.tokens || width > savedWidth) {
      long most = Math.max(tokens, this.tokens);
      long widest = Math.max(width, savedWidth);
      release();
      this.tokens = most;
      savedWidth = widest;
    }
  }

  /** Gives all of it back; the next pass takes what it needs. */
  void release() {
    outputs.forEach(Tensor::close);
    outputs.clear();
    saved.forEach(Tensor::close);
    saved.clear();
    tokens = 0;
    savedWidth = 0;
  }

  /**
   * Room for a layer's output, or empty.
   *
   * @param like of the type that is computed in
   */
  Tensor output(int layer, Tensor like) {
    return room(outputs, layer, outputWidth, like);
  }

  /** Room for what a layer saves, or empty. */
  Tensor saved(int layer, Tensor like) {
    return room(saved, layer, savedWidth, like);
  }

  private Tensor room(List<Tensor> rooms, int layer, long width, Tensor like) {
    if (!kept) {
      return none;
    }
    while (rooms.size() <= layer) {
      rooms.add(operators.one(scope, "new_empty", like, new long[] {tokens * width}));
    }
    return rooms.get(layer);
  }
}
