package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Losses and logits by a forward pass alone, without gradients and without dropout. */
public final class ForwardLosses {

  private final Scope passes;
  private final ModelConfig config;
  private final Operators operators;
  private final TrainingPass pass;
  private final ModelTensors model;
  private final Tensor gate;
  private final TrainedParameters trained;

  /**
   * @param passes holds what a pass needs
   * @param gate as {@code decoder_layer.torchscript} says
   */
  ForwardLosses(
      ModelConfig config,
      Operators operators,
      Scope passes,
      TrainingPass pass,
      ModelTensors model,
      Tensor gate,
      TrainedParameters trained) {
    this.config = config;
    this.operators = operators;
    this.passes = passes;
    this.pass = pass;
    this.model = model;
    this.gate = gate;
    this.trained = trained;
  }

  /**
   * The logits at every position, for tests and small uses: training never makes them.
   *
   * @return [tokens, vocabulary]
   */
  public FloatTensor logits(Batch batch) {
    try (Scope scope = passes.child()) {
      long[] all = new long[batch.inputIds().length];
      for (int i = 0; i < all.length; i++) {
        all[i] = i;
      }
      Tensor states = pass.states(scope, model, batch, gate, all);
      Tensor logits = operators.one(scope, "logits", states, model.head(), config.logitSoftCap());
      return new FloatTensor(
          new long[] {batch.tokens(), config.vocabSize()}, logits.toFloatArray());
    }
  }

  /** The batch's cross-entropy, summed over the response tokens, in nats. */
  public double crossEntropy(Batch batch) {
    return sum(batch, CrossEntropy.of(batch, 0, 1));
  }

  /** The batch's KL divergence from the start model, summed over the response tokens, in nats. */
  public double klDivergence(AlignmentBatch alignment) {
    return sum(alignment.batch(), KlDivergence.of(alignment, 0, 1));
  }

  private double sum(Batch batch, Objective objective) {
    try (Scope scope = passes.child()) {
      Tensor states = pass.states(scope, model, batch, gate, objective.positions());
      Tensor noGradient = scope.uninitialised(0);
      return PlacedObjective.of(objective, scope)
          .evaluate(operators, scope, states, model.head(), noGradient, config.logitSoftCap())
          .get(0)
          .item();
    }
  }

  /**
   * The cross-entropy of each row, summed over its response tokens, in nats, with everything that
   * is trained moved by {@code factor} times a direction. The model itself is not moved.
   *
   * @param direction each of the shape and at the place of one of {@link CausalLm#parameters()}
   */
  public double[] crossEntropies(Batch batch, List<Tensor> direction, double factor) {
    try (Scope scope = passes.child()) {
      ModelTensors elsewhere = moved(scope, direction, factor);
      CrossEntropy objective = CrossEntropy.of(batch, 0, 1);
      Tensor states = pass.states(scope, elsewhere, batch, gate, objective.positions());
      double[] losses =
          operators
              .one(
                  scope,
                  "cross_entropies",
                  states,
                  elsewhere.head(),
                  scope.int64(objective.targets()),
                  config.logitSoftCap())
              .toDoubleArray();
      double[] sums = new double[batch.rows()];
      int[] labelled = Objective.labelled(batch);
      int[] starts = PlacedBatch.starts(batch.runs());
      int row = 0;
      for (int i = 0; i < labelled.length; i++) {
        while (labelled[i] >= starts[row + 1]) {
          row++;
        }
        sums[row] += losses[i];
      }
      return sums;
    }
  }

  private ModelTensors moved(Scope scope, List<Tensor> direction, double factor) {
    List<Tensor> parameters = trained.flat();
    List<Tensor> moved = operators.call(scope, "moved", parameters, direction, factor);
    Map<Tensor, Tensor> movedOf = new IdentityHashMap<>();
    for (int i = 0; i < moved.size(); i++) {
      movedOf.put(parameters.get(i), moved.get(i));
    }
    return model.map(
        weight -> movedOf.getOrDefault(weight, weight),
        adapter -> movedOf.getOrDefault(adapter, adapter));
  }
}
