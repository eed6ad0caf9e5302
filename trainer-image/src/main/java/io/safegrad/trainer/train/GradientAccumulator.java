package io.safegrad.trainer.train;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.MicroBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * Gradients of a window's mean losses, accumulated over its micro-batches into gradients whose
 * memory is used again each step. A loss or a norm is read from the device when it is asked for,
 * with all others that were computed by then.
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
  private final Scalars scalars;
  private final double ownWeight;

  /**
   * @param scope holds the gradients
   * @param ownWeight the weight of the user's own alignment examples
   */
  GradientAccumulator(CausalLm model, Scope scope, double ownWeight) {
    this.model = model;
    this.scope = scope;
    this.scalars = new Scalars(model.torch().operators(), scope);
    this.ownWeight = ownWeight;
  }

  /** A gradient of zeros. */
  Gradient newGradient() {
    return model.newGradient(scope);
  }

  /** The user's gradient; returns the mean cross-entropy. */
  DoubleSupplier user(Window window, Gradient user) {
    clear(user);
    double tokens = window.userResponseTokens();
    List<DoubleSupplier> losses = new ArrayList<>();
    for (MicroBatch each : window.microBatches()) {
      Tensor loss = model.gradients().addUser(scope, each.user(), 1 / tokens, user, each.pass());
      losses.add(scalars.later(loss));
    }
    addOwn(window, user);
    return mean(losses, tokens);
  }

  /** The gradient of the cross-entropy of the alignment examples; returns the mean. */
  DoubleSupplier alignmentCrossEntropy(Window window, Gradient alignment) {
    clear(alignment);
    double tokens = window.alignmentResponseTokens();
    List<DoubleSupplier> losses = new ArrayList<>();
    for (MicroBatch each : window.microBatches()) {
      Batch batch = each.alignment().batch();
      losses.add(scalars.later(model.gradients().addUser(scope, batch, 1 / tokens, alignment)));
    }
    return mean(losses, tokens);
  }

  private static DoubleSupplier mean(List<DoubleSupplier> sums, double tokens) {
    return () -> {
      double total = 0;
      for (DoubleSupplier sum : sums) {
        total += sum.getAsDouble();
      }
      return total / tokens;
    };
  }

  /** The user's gradient, and that of the alignment examples' KL to the start model. */
  Supplier<Losses> userAndAlignment(Window window, Gradient user, Gradient alignment) {
    clear(user);
    clear(alignment);
    double userTokens = window.userResponseTokens();
    double alignmentTokens = window.alignmentResponseTokens();
    List<DoubleSupplier> losses = new ArrayList<>();
    List<DoubleSupplier> divergences = new ArrayList<>();
    for (MicroBatch each : window.microBatches()) {
      List<Tensor> both =
          model
              .gradients()
              .addBoth(
                  scope,
                  each.user(),
                  1 / userTokens,
                  each.alignment(),
                  1 / alignmentTokens,
                  user,
                  alignment,
                  each.pass());
      losses.add(scalars.later(both.get(0)));
      divergences.add(scalars.later(both.get(1)));
    }
    addOwn(window, user);
    DoubleSupplier loss = mean(losses, userTokens);
    DoubleSupplier divergence = mean(divergences, alignmentTokens);
    return () -> new Losses(loss.getAsDouble(), divergence.getAsDouble());
  }

  private void addOwn(Window window, Gradient user) {
    double tokens = window.ownResponseTokens();
    for (MicroBatch each : window.microBatches()) {
      if (each.own() != null) {
        model.gradients().addAlignment(scope, each.own(), ownWeight / tokens, user).close();
      }
    }
  }

  /** The squared Euclidean norm of a vector. */
  DoubleSupplier squaredNorm(List<Tensor> vector) {
    return scalars.call("dot", vector, vector);
  }

  /** The squared Euclidean distance of two vectors. */
  DoubleSupplier squaredDistance(List<Tensor> a, List<Tensor> b) {
    return scalars.call("squared_distance", a, b);
  }

  /** What reads the numbers of a step. */
  Scalars scalars() {
    return scalars;
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
