package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * The user's batch and the alignment batch in one forward and backward that gives both gradients:
 * the rows share the products with frozen weights, and the adapter's gradients are summed over each
 * batch's own rows.
 */
final class JointPass {

  private final TrainingPass trainingPass;
  private final Tensor gate;

  /**
   * @param gate as {@code decoder_layer.torchscript} says
   */
  JointPass(TrainingPass trainingPass, Tensor gate) {
    this.trainingPass = trainingPass;
    this.gate = gate;
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
    return trainingPass.run(
        results,
        scope,
        model,
        user.followedBy(reference),
        gate,
        objectives,
        new PassGradients(userGradient, alignmentGradient, user.tokens()),
        new LoraDropout(dropout.share(), user.tokens(), dropout.seed()));
  }
}
