package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * Gradients of the losses, each by one forward and backward, or both by one. The losses themselves
 * are scalars that nobody has read yet, in the scope {@code results}.
 */
final class LossGradients {

  private final TrainingPass pass;
  private final JointPass jointPass;
  private final ModelTensors model;
  private final Tensor gate;
  private final double dropout;
  private final long seed;

  /**
   * @param jointPass null where every weight is trained
   * @param gate as {@code decoder_layer.torchscript} says
   * @param dropout of the adapter, on the user's batches alone
   * @param seed draws what drops out
   */
  LossGradients(
      TrainingPass pass,
      JointPass jointPass,
      ModelTensors model,
      Tensor gate,
      double dropout,
      long seed) {
    this.pass = pass;
    this.jointPass = jointPass;
    this.model = model;
    this.gate = gate;
    this.dropout = dropout;
    this.seed = seed;
  }

  /** As {@link CausalLm#addUserGradient(Batch, double, Gradient)}. */
  Tensor addUser(Scope results, Scope scope, Batch batch, double scale, Gradient gradient) {
    return add(results, scope, batch, CrossEntropy.of(batch, 0, scale), gradient, LoraDropout.NONE);
  }

  /** As {@link CausalLm#addUserGradient(Batch, double, Gradient, long)}. */
  Tensor addUser(
      Scope results, Scope scope, Batch batch, double scale, Gradient gradient, long number) {
    return add(
        results, scope, batch, CrossEntropy.of(batch, 0, scale), gradient, dropout(batch, number));
  }

  /** As {@link CausalLm#addAlignmentGradient}. */
  Tensor addAlignment(
      Scope results, Scope scope, AlignmentBatch alignment, double scale, Gradient gradient) {
    return add(
        results,
        scope,
        alignment.batch(),
        KlDivergence.of(alignment, 0, scale),
        gradient,
        LoraDropout.NONE);
  }

  /** As {@link CausalLm#addGradients}. */
  List<Tensor> addBoth(
      Scope results,
      Scope scope,
      Batch user,
      double userScale,
      AlignmentBatch alignment,
      double alignmentScale,
      Gradient userGradient,
      Gradient alignmentGradient,
      long number) {
    if (jointPass != null && JointPass.pays(user.tokens(), alignment.batch().tokens())) {
      return jointPass.run(
          results,
          scope,
          model,
          user,
          userScale,
          alignment,
          alignmentScale,
          userGradient.tensors(),
          alignmentGradient.tensors(),
          dropout(user, number));
    }
    return List.of(
        addUser(results, scope, user, userScale, userGradient, number),
        addAlignment(results, scope, alignment, alignmentScale, alignmentGradient));
  }

  private LoraDropout dropout(Batch batch, long number) {
    return dropout == 0
        ? LoraDropout.NONE
        : new LoraDropout(
            dropout, batch.tokens(), LoraDropout.mixed(LoraDropout.mixed(seed) + number));
  }

  private Tensor add(
      Scope results,
      Scope scope,
      Batch batch,
      Objective objective,
      Gradient gradient,
      LoraDropout dropped) {
    return pass.run(
            results,
            scope,
            model,
            batch,
            gate,
            List.of(objective),
            PassGradients.of(gradient.tensors()),
            dropped)
        .get(0);
  }
}
