package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** Losses and logits by a forward pass alone, without gradients and without dropout. */
final class ForwardLosses {

  private final ModelConfig config;
  private final Operators operators;
  private final TrainingPass pass;
  private final ModelTensors model;
  private final Tensor gate;

  /**
   * @param gate as {@code decoder_layer.torchscript} says
   */
  ForwardLosses(
      ModelConfig config, Operators operators, TrainingPass pass, ModelTensors model, Tensor gate) {
    this.config = config;
    this.operators = operators;
    this.pass = pass;
    this.model = model;
    this.gate = gate;
  }

  /** As {@link CausalLm#logits}. */
  float[] logits(Scope passes, Batch batch) {
    try (Scope scope = passes.child()) {
      long[] all = new long[batch.inputIds().length];
      for (int i = 0; i < all.length; i++) {
        all[i] = i;
      }
      Tensor states = pass.states(scope, model, batch, gate, all);
      return operators
          .one(scope, "logits", states, model.head(), config.logitSoftCap())
          .toFloatArray();
    }
  }

  /** The loss, summed over the response tokens, in nats. */
  double sum(Scope passes, Batch batch, Objective objective) {
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
   * is trained moved.
   *
   * @param parameters what is trained
   * @param direction each of the shape and at the place of one of the parameters
   * @param factor how often the direction is added; the model itself is not moved
   */
  double[] moved(
      Scope passes, Batch batch, List<Tensor> parameters, List<Tensor> direction, double factor) {
    try (Scope scope = passes.child()) {
      ModelTensors elsewhere = moved(scope, parameters, direction, factor);
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

  private ModelTensors moved(
      Scope scope, List<Tensor> parameters, List<Tensor> direction, double factor) {
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
