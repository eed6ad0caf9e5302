package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The decoder's operators with the model's shapes and position tables filled in. */
final class Decoder {

  private final ModelConfig config;
  private final Operators operators;
  private final Compute compute;
  private final RotaryTables tables;

  /**
   * @param tables holds the position tables
   */
  Decoder(ModelConfig config, Operators operators, Compute compute, Scope tables) {
    this.config = config;
    this.operators = operators;
    this.compute = compute;
    this.tables = new RotaryTables(config, operators, tables);
  }

  /**
   * Puts sequences on the device.
   *
   * @param runs how many of which length, again and again
   * @param position of each sequence's first token
   * @throws TrainerException as {@link #ids}
   */
  PlacedBatch place(Scope results, int[] inputIds, long[] runs, int position) {
    int[] starts = PlacedBatch.starts(runs);
    long[] positions = new long[inputIds.length];
    for (int sequence = 1; sequence < starts.length; sequence++) {
      for (int token = starts[sequence - 1]; token < starts[sequence]; token++) {
        positions[token] = position + token - starts[sequence - 1];
      }
    }
    return new PlacedBatch(
        ids(results, inputIds),
        runs,
        results.int32(onGpu() ? starts : new int[0]),
        rotations(results, positions));
  }

  /** Rotations of tokens at some positions of their sequences, by embedding. */
  Map<RotaryEmbedding, RotaryTables.Table> rotations(Scope results, long[] positions) {
    return tables.at(results, positions);
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

  /** Bytes of one element of what layers compute. */
  int elementBytes() {
    return compute.type().bytes();
  }

  /** Whether it computes on a GPU. */
  boolean onGpu() {
    return compute.device().cuda();
  }

  /** [N, hidden] of token ids. */
  Tensor embed(Scope results, ModelTensors model, Tensor ids) {
    return operators.one(
        results, "embed", model.embedding(), ids, config.embeddingScale(), compute.type().number());
  }

  /**
   * One layer for training.
   *
   * @param x [tokens, hidden]
   * @param index the layer's, from 0
   * @param outputRoom where its output goes; empty for memory of its own
   * @param savedRoom the same for what it saves
   * @return its output, and then what {@link #backward} needs besides x
   */
  List<Tensor> forward(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      PlacedBatch batch,
      LoraDropout dropout,
      Tensor outputRoom,
      Tensor savedRoom) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = batch.rotations().get(attention.rotary());
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
        batch.starts(),
        config.headDim(),
        config.rmsNormEps(),
        config.normOffset(),
        config.gelu(),
        config.attentionScale(),
        attention.window(),
        config.attentionSoftCap(),
        dropout.share(),
        dropout.dropped(index),
        outputRoom,
        savedRoom);
  }

  /**
   * The gradient by a layer's input; adds the gradients of the layer's tensors.
   *
   * @param dy the gradient by its output
   * @param saved what {@link #forward} returned behind its output
   * @param gradients receive the gradients of those tensors that are not empty there
   */
  Tensor backward(
      Scope results,
      Tensor dy,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      List<Tensor> saved,
      PassGradients gradients,
      PlacedBatch batch,
      LoraDropout dropout) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = batch.rotations().get(attention.rotary());
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
        gradients.weights(index),
        gradients.adapter(index),
        gradients.firstTokens(),
        batch.runs(),
        batch.starts(),
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
   * One layer over prompts, for generation.
   *
   * @param x [tokens, hidden], without the given beginning
   * @param prompts in the order of the caches' rows, without the given beginning
   * @param keys cache [rows, key heads, capacity, headDim]
   * @param given keys and values of what all prompts begin with
   * @param end position of the caches before which every prompt ends
   */
  Tensor prefill(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      Tensor keys,
      Tensor values,
      PromptBeginning given,
      PlacedBatch prompts,
      int end) {
    return cached(
        results,
        "layer_prefill",
        x,
        gate,
        model,
        index,
        prompts.rotations(),
        keys,
        values,
        given.keys().get(index),
        given.values().get(index),
        prompts.runs(),
        prompts.starts(),
        end);
  }

  /**
   * One layer over one more token of each row, for generation.
   *
   * @param x [rows, hidden]
   * @param keys cache [rows, key heads, capacity, headDim]
   * @param rotations of each token's position in its own sequence
   * @param mask [rows, 1, 1, capacity], -inf before a row's sequence begins; empty when all begin
   *     at 0
   * @param position of all tokens in the caches
   */
  Tensor decode(
      Scope results,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      Tensor keys,
      Tensor values,
      Map<RotaryEmbedding, RotaryTables.Table> rotations,
      Tensor mask,
      int position) {
    return cached(
        results, "layer_decode", x, gate, model, index, rotations, keys, values, mask, position);
  }

  /**
   * One layer with caches.
   *
   * @param rotations of each token's position
   * @param caches the operator's arguments that are its own
   */
  private Tensor cached(
      Scope results,
      String operator,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      Map<RotaryEmbedding, RotaryTables.Table> rotations,
      Object... caches) {
    ModelTensors.Layer layer = model.layers().get(index);
    ModelConfig.LayerAttention attention = config.attention().get(index);
    RotaryTables.Table table = rotations.get(attention.rotary());
    Stream<Object> before =
        Stream.of(x, table.cosines(), table.sines(), gate, layer.weights(), layer.adapter());
    Stream<Object> after =
        Stream.of(
            config.headDim(),
            config.rmsNormEps(),
            config.normOffset(),
            config.gelu(),
            config.attentionScale(),
            attention.window(),
            config.attentionSoftCap());
    return operators.one(
        results,
        operator,
        Stream.of(before, Stream.of(caches), after).flatMap(each -> each).toArray());
  }
}
