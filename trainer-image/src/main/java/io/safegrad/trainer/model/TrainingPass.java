package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.List;

/**
 * Forward and backward through the whole model without autograd: this loop owns what each layer
 * saves, and closes it as soon as the layer's backward has run. When all layers together would save
 * too much, each layer's forward is done again just before its backward instead.
 */
final class TrainingPass {

  private final ModelConfig config;
  private final Operators operators;
  private final Decoder decoder;
  private final Recomputation recomputation;
  private final ActivationMemory memory;
  private final Tensor none;

  /**
   * @param scope as long as passes are made
   */
  TrainingPass(
      ModelConfig config, Torch torch, Decoder decoder, Recomputation recomputation, Scope scope) {
    this.config = config;
    this.operators = torch.operators();
    this.decoder = decoder;
    this.recomputation = recomputation;
    this.memory =
        new ActivationMemory(config, scope, operators, torch.compute().device().visible());
    this.none = scope.uninitialised(0);
  }

  /** Gives back what is kept from pass to pass. */
  void release() {
    memory.release();
  }

  /**
   * Adds the gradients of the objectives.
   *
   * @param scope of the pass; nothing stays in it
   * @param gate as {@code decoder_layer.torchscript} says
   * @param gradients receive the gradients of those tensors that are not empty there
   * @param results receives each objective's loss, summed over its positions: scalars that nobody
   *     has read yet
   */
  List<Tensor> run(
      Scope results,
      Scope scope,
      ModelTensors model,
      Batch batch,
      Tensor gate,
      List<? extends Objective> objectives,
      PassGradients gradients,
      LoraDropout dropout) {
    ModelTensors gradient = gradients.whole();
    config.requireSupportedLength(batch.length());
    try (Scope pass = scope.child()) {
      // All that a device waits for is brought there before it begins.
      PlacedBatch placed = decoder.place(pass, batch.inputIds(), batch.runs(), 0);
      List<PlacedObjective> placedObjectives =
          objectives.stream().map(each -> PlacedObjective.of(each, pass)).toList();
      List<Tensor> inputs = new ArrayList<>();
      List<List<Tensor>> saved = new ArrayList<>();
      inputs.add(decoder.embed(pass, model, placed.ids()));
      memory.reserve(model, batch.inputIds().length);
      boolean kept = true;
      for (int i = 0; i < config.layers(); i++) {
        Tensor x = inputs.get(i);
        List<Tensor> outputs =
            decoder.forward(
                pass,
                x,
                gate,
                model,
                i,
                placed,
                dropout,
                memory.output(i, x),
                memory.saved(kept ? i : 0, x));
        inputs.add(outputs.get(0));
        saved.add(keepOrClose(outputs.subList(1, outputs.size())));
        kept = !saved.get(i).isEmpty();
      }

      List<Tensor> losses = new ArrayList<>();
      Tensor last = inputs.remove(config.layers());
      Tensor d = operators.one(pass, "zeros_like", List.of(last));
      for (PlacedObjective objective : placedObjectives) {
        losses.add(results.keep(head(pass, model, last, objective, gradient, d)));
      }
      last.close();

      for (int i = config.layers() - 1; i >= 0; i--) {
        Tensor x = inputs.remove(i);
        if (saved.get(i).isEmpty()) {
          saved.set(i, forwardAgain(pass, x, gate, model, i, placed, dropout));
        }
        Tensor dx =
            decoder.backward(pass, d, x, gate, model, i, saved.get(i), gradients, placed, dropout);
        saved.remove(i).forEach(Tensor::close);
        x.close();
        d.close();
        d = dx;
      }
      if (gradient.embedding().size() > 0) {
        operators.apply(
            "embed_backward_", gradient.embedding(), placed.ids(), d, config.embeddingScale());
      }
      return losses;
    }
  }

  /** What a layer saved; nothing, when all layers together would save too much. */
  private List<Tensor> keepOrClose(List<Tensor> saved) {
    long elements = saved.stream().mapToLong(Tensor::size).sum();
    if (recomputation.keeps(elements * decoder.elementBytes() * config.layers())) {
      return saved;
    }
    saved.forEach(Tensor::close);
    return List.of();
  }

  private List<Tensor> forwardAgain(
      Scope pass,
      Tensor x,
      Tensor gate,
      ModelTensors model,
      int index,
      PlacedBatch batch,
      LoraDropout dropout) {
    List<Tensor> outputs =
        decoder.forward(pass, x, gate, model, index, batch, dropout, none, memory.saved(0, x));
    outputs.get(0).close();
    return outputs.subList(1, outputs.size());
  }

  /** One objective: its loss; its gradient by the last layer's output is added to d. */
  private Tensor head(
      Scope pass,
      ModelTensors model,
      Tensor last,
      PlacedObjective objective,
      ModelTensors gradient,
      Tensor d) {
    try (Scope scope = pass.child()) {
      Tensor states = finalStates(scope, model, last, objective.positions());
      List<Tensor> result =
          objective.evaluate(
              operators, scope, states, model.head(), gradient.head(), config.logitSoftCap());
      operators.apply(
          "final_states_backward_",
          d,
          result.get(1),
          last,
          model.norm(),
          gradient.norm(),
          objective.positions(),
          config.rmsNormEps(),
          config.normOffset());
      return pass.keep(result.get(0));
    }
  }

  /**
   * Forward only: the last hidden states, after the final norm, at some positions.
   *
   * @return [positions, hidden], in the given scope
   */
  Tensor states(Scope results, ModelTensors model, Batch batch, Tensor gate, long[] positions) {
    config.requireSupportedLength(batch.length());
    try (Scope pass = results.child()) {
      PlacedBatch placed = decoder.place(pass, batch.inputIds(), batch.runs(), 0);
      Tensor selected = pass.int64(positions);
      Tensor x = decoder.embed(pass, model, placed.ids());
      memory.reserve(model, batch.inputIds().length);
      for (int i = 0; i < config.layers(); i++) {
        try (Scope within = pass.child()) {
          Tensor y =
              decoder
                  .forward(
                      within,
                      x,
                      gate,
                      model,
                      i,
                      placed,
                      LoraDropout.NONE,
                      memory.output(i % 2, x),
                      memory.saved(0, x))
                  .get(0);
          x.close();
          x = pass.keep(y);
        }
      }
      return finalStates(results, model, x, selected);
    }
  }

  private Tensor finalStates(Scope results, ModelTensors model, Tensor last, Tensor positions) {
    return operators.one(
        results,
        "final_states",
        last,
        model.norm(),
        positions,
        config.rmsNormEps(),
        config.normOffset());
  }
}
