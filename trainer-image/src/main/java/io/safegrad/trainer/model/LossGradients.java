package io.safegrad.trainer.model;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * Gradients of the losses, each by one forward and backward, or both by one. A loss is summed over
 * the response tokens, in nats, and not scaled: a number, or a scalar in the scope {@code results},
 * for which the device need not be waited for.
 */
public final class LossGradients {

  private final Scope scope;
  private final TrainingPass pass;
  private final JointPass jointPass;
  private final ModelTensors model;
  private final Tensor gate;
  private final double dropout;
  private final long seed;

  /**
   * @param scope holds what a pass needs
   * @param jointPass null where every weight is trained
   * @param gate as {@code decoder_layer.torchscript} says
   * @param dropout of the adapter, on the user's batches alone
   * @param seed draws what drops out
   */
  LossGradients(
      Scope scope,
      TrainingPass pass,
      JointPass jointPass,
      ModelTensors model,
      Tensor gate,
      double dropout,
      long seed) {
    this.scope = scope;
    this.pass = pass;
    this.jointPass = jointPass;
    this.model = model;
    this.gate = gate;
    this.dropout = dropout;
    this.seed = seed;
  }

  /**
   * Adds {@code scale} times the gradient of the batch's cross-entropy, without dropout.
   *
   * @return the cross-entropy
   */
  public double addUser(Batch batch, double scale, Gradient gradient) {
    try (Scope numbers = scope.child()) {
      return addUser(numbers, batch, scale, gradient).item();
    }
  }

  /** The same, its result a scalar. */
  public Tensor addUser(Scope results, Batch batch, double scale, Gradient gradient) {
    return add(results, batch, CrossEntropy.of(batch, 0, scale), gradient, LoraDropout.NONE);
  }

  /**
   * The same with the adapter's dropout, where the training has any.
   *
   * @param number of the pass, names what drops out: the same for the same number, seed and batch
   */
  public double addUser(Batch batch, double scale, Gradient gradient, long number) {
    try (Scope numbers = scope.child()) {
      return addUser(numbers, batch, scale, gradient, number).item();
    }
  }

  /** The same, its result a scalar. */
  public Tensor addUser(Scope results, Batch batch, double scale, Gradient gradient, long number) {
    return add(results, batch, CrossEntropy.of(batch, 0, scale), gradient, dropout(batch, number));
  }

  /**
   * Adds {@code scale} times the gradient of the batch's KL divergence from the start model.
   *
   * @return the divergence
   */
  public double addAlignment(AlignmentBatch alignment, double scale, Gradient gradient) {
    try (Scope numbers = scope.child()) {
      return addAlignment(numbers, alignment, scale, gradient).item();
    }
  }

  /** The same, its result a scalar. */
  public Tensor addAlignment(
      Scope results, AlignmentBatch alignment, double scale, Gradient gradient) {
    return add(
        results,
        alignment.batch(),
        KlDivergence.of(alignment, 0, scale),
        gradient,
        LoraDropout.NONE);
  }

  /**
   * Does what {@link #addUser} and {@link #addAlignment} do, in one pass where that is cheaper. The
   * adapter's dropout is on for the user's batch alone.
   *
   * @param number as for {@link #addUser(Batch, double, Gradient, long)}
   * @return the cross-entropy and the divergence, scalars
   */
  public List<Tensor> addBoth(
      Scope results,
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
        addUser(results, user, userScale, userGradient, number),
        addAlignment(results, alignment, alignmentScale, alignmentGradient));
  }

  private LoraDropout dropout(Batch batch, long number) {
    return dropout == 0
        ? LoraDropout.NONE
        : new LoraDropout(
            dropout, batch.tokens(), LoraDropout.mixed(LoraDropout.mixed(seed) + number));
  }

  private Tensor add(
      Scope results, Batch batch, Objective objective, Gradient gradient, LoraDropout dropped) {
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
