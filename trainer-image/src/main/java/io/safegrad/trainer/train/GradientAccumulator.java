package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.MicroBatch;
import java.util.List;

/** The user's gradient and the alignment gradient of a window, in memory used again each step. */
final class GradientAccumulator {

  /**
   * The losses of a window.
   *
   * @param user mean cross-entropy over the user's response tokens, in nats
   * @param alignment mean KL divergence over the alignment's response tokens; null for Sft
   */
  record Losses(double user, Double alignment) {}

  private final CausalLm model;
  private final double ownWeight;
  private final Gradient user;
  private final Gradient alignment;

  GradientAccumulator(CausalLm model, Scope scope, boolean aligned, Method method) {
    this.model = model;
    this.ownWeight = method.alignmentWeight();
    this.user = model.newGradient(scope);
    this.alignment = aligned ? model.newGradient(scope) : null;
  }

  /**
   * Computes the gradients of a window's losses. The user's own alignment examples are part of what
   * the user wants: whatever they are, the alignment gradient is the same, and what they ask for
   * against it is projected off like the rest.
   */
  Losses accumulate(Window window) {
    clear(user);
    double userTokens = window.userResponseTokens();
    if (alignment == null) {
      double loss = 0;
      for (MicroBatch each : window.microBatches()) {
        loss += model.addUserGradient(each.user(), 1 / userTokens, user);
      }
      return new Losses(loss / userTokens, null);
    }
    clear(alignment);
    double alignmentTokens = window.alignmentResponseTokens();
    double ownTokens = window.ownResponseTokens();
    double loss = 0;
    double divergence = 0;
    for (MicroBatch each : window.microBatches()) {
      double[] losses =
          model.addGradients(
              each.user(), 1 / userTokens, each.alignment(), 1 / alignmentTokens, user, alignment);
      loss += losses[0];
      divergence += losses[1];
      if (each.own() != null) {
        model.addAlignmentGradient(each.own(), ownWeight / ownTokens, user);
      }
    }
    return new Losses(loss / userTokens, divergence / alignmentTokens);
  }

  /** The user's gradient of the last window. */
  List<Tensor> user() {
    return user.vector();
  }

  /** The alignment gradient of the last window; empty for Sft. */
  List<Tensor> alignment() {
    return alignment == null ? List.of() : alignment.vector();
  }

  private void clear(Gradient gradient) {
    model.torch().operators().apply("fill_zero_", gradient.vector());
  }
}
