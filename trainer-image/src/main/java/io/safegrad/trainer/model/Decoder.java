package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/** The decoder's operators with the model's shapes and position tables filled in. */
final class Decoder {

  private final ModelConfig config;
  private final Operators operators;
  private final RotaryTables tables;

  /**
   * @param tables holds the position tables
   */
  Decoder(ModelConfig config, Operators operators, Scope tables) {
    this.config = config;
    this.operators = operators;
    this.tables = new RotaryTables(tables);
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

  /** [N, hidden] of token ids. */
  Tensor embed(Scope results, ModelTensors model, Tensor ids) {
    return operators.one(results, "embed", model.embedding(), ids, config.embeddingScale());
  }

  /**
   * One layer for training.
   *
   * @param x [tokens, hidden]
   * @param index the layer's, from 0
   * @return its output, and then what {@link #backward} needs besides x
   */
  List<Tensor> forward(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      Batch batch,
      LoraDropout dropout) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = tables.of(attention.rotary(), batch.length());
    return operators.call(
        results,
        "layer_forward",
        x,
        table.cosines(),
        table.sines(),
        gate,
        layer.weights(),
        layer.adapter(),
        batch.runs(),
        config.headDim(),
        config.rmsNormEps(),
        config.normOffset(),
        config.gelu(),
        config.attentionScale(),
        attention.window(),
        config.attentionSoftCap(),
        dropout.share(),
        dropout.dropped(index));
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
      ModelTensors model,
      int index,
      List<Tensor> saved,
      ModelTensors.Layer gradient,
      Batch batch,
      LoraDropout dropout) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = tables.of(attention.rotary(), batch.length());
    return operators.one(
        results,
        "layer_backward",
        dy,
        x,
        table.cosines(),
        table.sines(),
        gate,
        layer.weights(),
        layer.adapter(),
        saved,
        gradient.weights(),
        gradient.adapter(),
        batch.runs(),
        config.headDim(),
        config.rmsNormEps(),
        config.normOffset(),
        config.gelu(),
        config.attentionScale(),
        attention.window(),
        config.attentionSoftCap(),
        dropout.share(),
        dropout.dropped(index));
  }

  /**
   * One layer of generation.
   *
   * @param keys cache [rows, key heads, capacity, headDim]
   * @param position of the first of {@code length} tokens; they attend to those before them
   */
  Tensor decode(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      Tensor keys,
      Tensor values,
      int position,
      int length) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = tables.of(attention.rotary(), position + length);
    return operators.one(
        results,
        "layer_decode",
        x,
        table.cosines(),
        table.sines(),
        gate,
        layer.weights(),
        layer.adapter(),
        keys,
        values,
        position,
        length,
        config.headDim(),
        config.rmsNormEps(),
        config.normOffset(),
        config.gelu(),
        config.attentionScale(),
        attention.window(),
        config.attentionSoftCap());
  }
}
