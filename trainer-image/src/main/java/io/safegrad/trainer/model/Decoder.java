package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/** The decoder's operators with the model's shapes and position tables filled in. */
final class Decoder {

  private static final int TABLE_STEP = 256;

  private final ModelConfig config;
  private final Operators operators;
  private final Scope tables;
  private Tensor cosines;
  private Tensor sines;
  private int tableLength;

  /**
   * @param tables holds the position tables
   */
  Decoder(ModelConfig config, Operators operators, Scope tables) {
    this.config = config;
    this.operators = operators;
    this.tables = tables;
  }

  /**
   * Token ids as a tensor.
   *
   * @throws TrainerException with BAD_DATA when one is not in the model's vocabulary
   */
  Tensor ids(Scope results, int[] inputIds) {
    long[] wide = new long[inputIds.length];
    for (int i = 0; i < wide.length; i++) {
      if (inputIds[i] < 0 || inputIds[i] >= config.vocabSize()) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "the tokenizer gives token id "
                + inputIds[i]
                + "; expected one below the vocab_size "
                + config.vocabSize()
                + " of config.json: tokenizer and model do not belong together");
      }
      wide[i] = inputIds[i];
    }
    return results.int64(wide);
  }

  /**
   * One layer for training.
   *
   * @param x [rows · length, hidden]
   * @return its output, and then what {@link #backward} needs besides x
   */
  List<Tensor> forward(Scope results, Tensor x, Tensor gate, ModelTensors.Layer layer, int length) {
    return operators.call(
        results,
        "layer_forward",
        x,
        cosines(length),
        sines(length),
        gate,
        layer.weights(),
        layer.adapter(),
        length,
        config.headDim(),
        config.rmsNormEps());
  }

  /**
   * The gradient by a layer's input; adds the gradients of the layer's tensors.
   *
   * @param dy the gradient by its output
   * @param saved what {@link #forward} returned behind its output
   * @param gradient receives the gradients of those tensors that are not empty there
   */
  Tensor backward(
      Scope results,
      Tensor dy,
      Tensor x,
      Tensor gate,
      ModelTensors.Layer layer,
      List<Tensor> saved,
      ModelTensors.Layer gradient,
      int length) {
    return operators.one(
        results,
        "layer_backward",
        dy,
        x,
        cosines(length),
        sines(length),
        gate,
        layer.weights(),
        layer.adapter(),
        saved,
        gradient.weights(),
        gradient.adapter(),
        length,
        config.headDim(),
        config.rmsNormEps());
  }

  /**
   * One layer of generation.
   *
   * @param keys cache [rows, key heads, capacity, headDim]
   * @param position of the first of {@code length} tokens; they attend to all before them
   */
  Tensor decode(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors.Layer layer,
      Tensor keys,
      Tensor values,
      int position,
      int length) {
    return operators.one(
        results,
        "layer_decode",
        x,
        cosines(position + length),
        sines(position + length),
        gate,
        layer.weights(),
        layer.adapter(),
        keys,
        values,
        position,
        length,
        config.headDim(),
        config.rmsNormEps());
  }

  private Tensor cosines(int length) {
    grow(length);
    return cosines;
  }

  private Tensor sines(int length) {
    grow(length);
    return sines;
  }

  private void grow(int length) {
    if (length <= tableLength) {
      return;
    }
    if (tableLength > 0) {
      cosines.close();
      sines.close();
    }
    tableLength = (length + TABLE_STEP - 1) / TABLE_STEP * TABLE_STEP;
    int pairs = config.headDim() / 2;
    cosines = tables.float32(config.rotary().cosines(tableLength), tableLength, 1, pairs);
    sines = tables.float32(config.rotary().sines(tableLength), tableLength, 1, pairs);
  }
}
