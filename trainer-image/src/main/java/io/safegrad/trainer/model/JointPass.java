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

  /** Largest share of padding at which one pass is still cheaper than two. */
  private static final double MAX_EXTRA_PADDING = 0.05;

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
   * to use the processor well on its own, and the common length adds little padding.
   */
  static boolean pays(Batch user, Batch alignment) {
    int separate = user.inputIds().length + alignment.inputIds().length;
    int joint = (user.rows() + alignment.rows()) * Math.max(user.length(), alignment.length());
    return 2 * alignment.inputIds().length <= user.inputIds().length
        && joint <= (1 + MAX_EXTRA_PADDING) * separate;
  }

  /**
   * As {@link CausalLm#addGradients}.
   *
   * @param dropout of the user's tokens; how many they are follows from the batches
   */
  double[] run(
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
    int length = Math.max(user.length(), reference.length());
    int[] inputIds = new int[(user.rows() + reference.rows()) * length];
    copyRows(user, inputIds, 0, length);
    copyRows(reference, inputIds, user.rows(), length);
    List<Objective> objectives =
        List.of(
            CrossEntropy.of(user, 0, length, userScale),
            KlDivergence.of(alignment, user.rows(), length, alignmentScale));
    try (Scope pass = scope.child()) {
      Tensor gate = gates.joint(pass, user.rows() * length, reference.rows() * length);
      ModelTensors doubled =
          model.map(weight -> weight, factor -> operators.one(pass, "twice", factor, rank));
      ModelTensors gradient =
          userGradient.map(
              weight -> weight,
              factor ->
                  pass.float32(
                      new float[(int) (2 * factor.size())],
                      2 * factor.shape()[0],
                      factor.shape()[1]));
      double[] losses =
          trainingPass.run(
              pass,
              doubled,
              inputIds,
              length,
              gate,
              objectives,
              gradient,
              new LoraDropout(dropout.share(), user.rows() * length, dropout.seed()));
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

  private static void copyRows(Batch batch, int[] inputIds, int firstRow, int length) {
    for (int row = 0; row < batch.rows(); row++) {
      System.arraycopy(
          batch.inputIds(),
          row * batch.length(),
          inputIds,
          (firstRow + row) * length,
          batch.length());
    }
  }
}
