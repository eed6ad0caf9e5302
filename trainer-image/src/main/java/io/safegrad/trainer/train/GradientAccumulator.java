package io.safegrad.trainer.train;

import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.MicroBatch;
import java.util.List;

/**
 * Gradients of a window's mean losses, accumulated over its micro-batches into gradients whose
 * memory is used again each step.
 *
 * <p>The user's own alignment examples are part of what the user wants: their divergence from the
 * start model is in the user's gradient. So whatever they are, the alignment gradient is the same,
 * and what they ask for against it is projected off like the rest.
 */
final class GradientAccumulator {

  /**
   * The losses of a window.
   *
   * @param user mean cross-entropy over the user's response tokens, in nats
   * @param alignment mean KL divergence over the alignment's response tokens, in nats
   */
  record Losses(double user, double alignment) {}

  private final CausalLm model;
  private final Scope scope;
  private final double ownWeight;

  /**
   * @param scope holds the gradients
   * @param ownWeight the weight of the user's own alignment examples
   */
  GradientAccumulator(CausalLm model, Scope scope, double ownWeight) {
    this.model = model;
    this.scope = scope;
    this.ownWeight = ownWeight;
  }

  /** A gradient of zeros. */
  Gradient newGradient() {
    return model.newGradient(scope);
  }

  /** The user's gradient; returns the mean cross-entropy. */
  double user(Window window, Gradient user) {
    clear(user);
    double tokens = window.userResponseTokens();
    double loss = 0;
    for (MicroBatch each : window.microBatches()) {
      loss += model.addUserGradient(each.user(), 1 / tokens, user, each.pass());
    }
    addOwn(window, user);
    return loss / tokens;
  }

  /** The gradient of the cross-entropy of the alignment examples; returns the mean. */
  double alignmentCrossEntropy(Window window, Gradient alignment) {
    clear(alignment);
    double tokens = window.alignmentResponseTokens();
    double loss = 0;
    for (MicroBatch each : window.microBatches()) {
      loss += model.addUserGradient(each.alignment().batch(), 1 / tokens, alignment);
    }
    return loss / tokens;
  }

  /** The user's gradient, and that of the alignment examples' KL to the start model. */
  Losses userAndAlignment(Window window, Gradient user, Gradient alignment) {
    clear(user);
    clear(alignment);
    double userTokens = window.userResponseTokens();
    double alignmentTokens = window.alignmentResponseTokens();
    double loss = 0;
    double divergence = 0;
    for (MicroBatch each : window.microBatches()) {
      double[] losses =
          model.addGradients(
              each.user(),
              1 / userTokens,
              each.alignment(),
              1 / alignmentTokens,
              user,
              alignment,
              each.pass());
      loss += losses[0];
      divergence += losses[1];
    }
    addOwn(window, user);
    return new Losses(loss / userTokens, divergence / alignmentTokens);
  }

  private void addOwn(Window window, Gradient user) {
    double tokens = window.ownResponseTokens();
    for (MicroBatch each : window.microBatches()) {
      if (each.own() != null) {
        model.addAlignmentGradient(each.own(), ownWeight / tokens, user);
      }
    }
  }

  /** The squared Euclidean norm of a vector. */
  double squaredNorm(List<Tensor> vector) {
    try (Scope numbers = scope.child()) {
      return operators().one(numbers, "dot", vector, vector).item();
    }
  }

  /** The squared Euclidean distance of two vectors. */
  double squaredDistance(List<Tensor> a, List<Tensor> b) {
    try (Scope numbers = scope.child()) {
      return operators().one(numbers, "squared_distance", a, b).item();
    }
  }

  Scope scope() {
    return scope;
  }

  Operators operators() {
    return model.torch().operators();
  }

  private void clear(Gradient gradient) {
    operators().apply("fill_zero_", gradient.vector());
  }
}
