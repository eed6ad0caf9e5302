package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * What receives the gradients of one pass. Of two batches in one pass each has the adapter's
 * gradients for itself.
 *
 * @param whole of the whole pass, or of its first tokens
 * @param others of the tokens behind them; null where there is one batch
 * @param firstTokens how many the first batch has; 0 where there is one batch
 */
record PassGradients(ModelTensors whole, ModelTensors others, int firstTokens) {

  static PassGradients of(ModelTensors gradient) {
    return new PassGradients(gradient, null, 0);
  }

  List<Tensor> weights(int layer) {
    return whole.layers().get(layer).weights();
  }

  /** The adapter's tensors of one layer, for two batches one after the other. */
  List<Tensor> adapter(int layer) {
    List<Tensor> first = whole.layers().get(layer).adapter();
    return others == null
        ? first
        : Stream.concat(first.stream(), others.layers().get(layer).adapter().stream()).toList();
  }
}
