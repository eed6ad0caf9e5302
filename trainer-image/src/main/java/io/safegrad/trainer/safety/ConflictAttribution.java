package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.Packing;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;

/**
 * How strongly each example pulls the model away from its alignment, where the model stands now:
 *
 * <pre>
 *   conflict_i = −⟨∇L_i, g_align⟩ / ‖g_align‖
 * </pre>
 *
 * L_i is the example's cross-entropy, summed over its response tokens: its part of a step's
 * gradient. g_align is the gradient of the KL divergence from the start model over the whole
 * alignment set. Above 0, learning the example raises the divergence. The unit is nats per unit of
 * length of what is trained, so conflicts compare within a measurement only.
 *
 * <p>No per-example gradient is made: the derivative along g_align is a difference of two forward
 * passes over the examples. While a model learns, it is a central one over a small step, with an
 * error of second order. A finished model has no slope left where it has learned an example well;
 * there the difference is taken over a step that leads back towards the start model:
 *
 * <pre>
 *   conflict_i = (L_i(θ − ε g_align / ‖g_align‖) − L_i(θ)) / ε
 * </pre>
 *
 * What did the harm is forgotten on that way, and the rest is not. The model must have left its
 * start, where the divergence has no gradient.
 */
public final class ConflictAttribution {

  /**
   * The small step, as a share of the length of what is trained. In float32 a loss is known to
   * about 1e-7 of itself, so that much smaller steps drown; ten times larger ones leave the linear
   * range where every weight is trained.
   */
  private static final double RELATIVE_STEP = 1e-3;

  /**
   * The step back, in steps at whose end the divergence would be 0 if it kept its slope. It does
   * not: it is flat where an alignment is lost.
   */
  private static final double STEPS_BACK = 6;

  private final CausalLm model;
  private final ReferenceModel reference;
  private final int batchSize;
  private final Runnable batchDone;

  /**
   * @param reference of the alignment set
   * @param batchSize a pass has at most as many tokens as so many of the user's examples can have
   * @param batchDone is called after each pass; may throw to stop
   */
  public ConflictAttribution(
      CausalLm model, ReferenceModel reference, int batchSize, Runnable batchDone) {
    this.model = model;
    this.reference = reference;
    this.batchSize = batchSize;
    this.batchDone = batchDone;
  }

  /**
   * Measures while the model learns; it is not changed.
   *
   * @return the conflict of each example, in their order; empty when the alignment gradient is
   *     nearly 0
   */
  public Optional<double[]> measure(List<TokenizedExample> user) {
    return measure(
        user,
        (scope, alignment) -> {
          double step = RELATIVE_STEP * norm(scope, model.parameters());
          return new Step(step, -step);
        });
  }

  /**
   * Measures a finished model; it is not changed.
   *
   * @return as {@link #measure(List)}; empty, too, when a loss on the way back is not a number
   */
  public Optional<double[]> measureFinished(List<TokenizedExample> user) {
    return measure(
            user,
            (scope, alignment) ->
                new Step(0, -STEPS_BACK * alignment.divergence() / alignment.norm()))
        .filter(conflicts -> Arrays.stream(conflicts).allMatch(Double::isFinite));
  }

  /**
   * The sums over the whole alignment set.
   *
   * @param vector the gradient
   * @param norm its length
   * @param divergence in nats
   */
  private record Alignment(List<Tensor> vector, double norm, double divergence) {}

  /**
   * The two places that losses are compared at.
   *
   * @param ahead how far the model is moved along the gradient, in units of length
   * @param behind the same; less than ahead
   */
  private record Step(double ahead, double behind) {}

  private Optional<double[]> measure(
      List<TokenizedExample> user, BiFunction<Scope, Alignment, Step> steps) {
    try (Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      int tokens = 0;
      double divergence = 0;
      long maxTokens = passTokens(TokenizedExample.lengths(user), batchSize);
      for (List<Integer> some : Packing.batchesByLength(reference.lengths(), maxTokens)) {
        AlignmentBatch batch = reference.batch(some);
        divergence += model.gradients().addAlignment(batch, 1, gradient);
        tokens += batch.responseTokens();
        batchDone.run();
      }
      double norm = norm(scope, gradient.vector());
      if (!(norm / tokens > GradientSurgery.MIN_NORM)) {
        return Optional.empty();
      }
      Alignment alignment = new Alignment(gradient.vector(), norm, divergence);
      Step step = steps.apply(scope, alignment);
      return step.ahead() > step.behind()
          ? Optional.of(conflicts(user, maxTokens, alignment, step))
          : Optional.empty();
    }
  }

  /**
   * The most tokens that a pass over a data set has.
   *
   * @param lengths tokens of each of the user's examples
   * @param batchSize examples of a batch of training
   */
  public static long passTokens(int[] lengths, int batchSize) {
    return Arrays.stream(Packing.longest(lengths, batchSize)).asLongStream().sum();
  }

  private double[] conflicts(
      List<TokenizedExample> user, long maxTokens, Alignment alignment, Step step) {
    double[] conflicts = new double[user.size()];
    for (List<Integer> some : Packing.batchesByLength(TokenizedExample.lengths(user), maxTokens)) {
      Batch batch = Batch.of(some.stream().map(user::get).toList());
      double[] ahead = losses(batch, alignment, step.ahead());
      double[] behind = losses(batch, alignment, step.behind());
      for (int i = 0; i < some.size(); i++) {
        conflicts[some.get(i)] = (behind[i] - ahead[i]) / (step.ahead() - step.behind());
      }
      batchDone.run();
    }
    return conflicts;
  }

  private double[] losses(Batch batch, Alignment alignment, double distance) {
    return model.losses().crossEntropies(batch, alignment.vector(), distance / alignment.norm());
  }

  private double norm(Scope scope, List<Tensor> vector) {
    Operators operators = model.torch().operators();
    try (Scope numbers = scope.child()) {
      return Math.sqrt(operators.one(numbers, "dot", vector, vector).item());
    }
  }
}
