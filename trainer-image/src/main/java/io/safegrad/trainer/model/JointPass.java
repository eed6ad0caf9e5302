package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * The user's batch and the alignment batch in one forward and backward that gives both gradients:
 * the rows share the frozen weights, and each batch sees its own copy of the adapter.
 */
final class JointPass {

  private final Operators operators;
  private final TrainingPass trainingPass;
  private final AdapterGates gates;
  private final int rank;

  JointPass(Operators operators, TrainingPass trainingPass, AdapterGates gates, int rank) {
    this.operators = operators;
    this.trainingPass = trainingPass;
    this.gates = gates;
    this.rank = rank;
  }

  /**
   * Whether one pass is cheaper than two: the alignment batch is small beside the user's, too small
   * to use the processor well on its own.
   */
  static boolean pays(Batch user, Batch alignment) {
    return 2 * alignment.tokens() <= user.tokens();
  }

  /**
   * As {@link CausalLm#addGradients}.
   *
   * @param dropout of the user's tokens; how many they are follows from the batches
   */
  List<Tensor> run(
      Scope results,
      Scope scope,
      ModelTensors model,
      Batch user,
      double userScale,
      AlignmentBatch alignment,
      double alignmentScale,
      ModelTensors userGradient,
      ModelTensors alignmentGradient,
      LoraDropout dropout) {
    Batch reference = alignment.batch();
    List<Objective> objectives =
        List.of(
            CrossEntropy.of(user, 0, userScale),
            KlDivergence.of(alignment, user.tokens(), alignmentScale));
    try (Scope pass = scope.child()) {
      Tensor gate = gates.joint(pass, user.tokens(), reference.tokens());
      ModelTensors doubled =
          model.map(weight -> weight, factor -> operators.one(pass, "twice", factor, rank));
      ModelTensors gradient =
          userGradient.map(
              weight -> weight,
              factor ->
                  operators.one(
                      pass,
                      "new_zeros",
                      factor,
                      new long[] {2 * factor.shape()[0], factor.shape()[1]}));
      List<Tensor> losses =
          trainingPass.run(
              results,
              pass,
              doubled,
              user.followedBy(reference),
              gate,
              objectives,
              gradient,
              new LoraDropout(dropout.share(), user.tokens(), dropout.seed()));
      addHalves(gradient, userGradient, alignmentGradient);
      return losses;
    }
  }

  private void addHalves(ModelTensors doubled, ModelTensors first, ModelTensors second) {
    List<Tensor> from = doubled.flat();
    List<Tensor> one = first.flat();
    List<Tensor> other = second.flat();
    for (int i = 0; i < from.size(); i++) {
      operators.apply("add_halves_", from.get(i), rank, one.get(i), other.get(i));
    }
  }
}
