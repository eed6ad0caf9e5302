package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.surgery.GradientSurgery;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

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
 * length of what is trained, so conflicts compare within a run only.
 *
 * <p>No per-example gradient is made: the derivative along g_align is a central difference, two
 * forward passes over the examples, with an error of second order in the step. The model must have
 * left its start, where the divergence has no gradient.
 */
public final class ConflictAttribution {

  /**
   * The difference's step, as a share of the length of what is trained. In float32 a loss is known
   * to about 1e-7 of itself, so that much smaller steps drown; ten times larger ones leave the
   * linear range where every weight is trained.
   */
  private static final double RELATIVE_STEP = 1e-3;

  private final CausalLm model;
  private final ReferenceModel reference;
  private final int batchSize;
  private final Runnable batchDone;

  /**
   * @param reference of the alignment set
   * @param batchSize examples of one pass
   * @param batchDone is called after each batch; may throw to stop
   */
  public ConflictAttribution(
      CausalLm model, ReferenceModel reference, int batchSize, Runnable batchDone) {
    this.model = model;
    this.reference = reference;
    this.batchSize = batchSize;
    this.batchDone = batchDone;
  }

  /**
   * Measures; the model is not changed.
   *
   * @return the conflict of each example, in their order; empty when the alignment gradient is
   *     nearly 0
   */
  public Optional<double[]> measure(List<TokenizedExample> user) {
    try (Scope scope = model.torch().scope().child()) {
      Gradient alignment = model.newGradient(scope);
      int tokens = 0;
      for (int from = 0; from < reference.size(); from += batchSize) {
        int to = Math.min(reference.size(), from + batchSize);
        AlignmentBatch batch = reference.batch(IntStream.range(from, to).boxed().toList());
        model.addAlignmentGradient(batch, 1, alignment);
        tokens += batch.responseTokens();
        batchDone.run();
      }
      double norm = norm(scope, alignment.vector());
      double step = RELATIVE_STEP * norm(scope, model.parameters());
      return norm / tokens > GradientSurgery.MIN_NORM && step > 0
          ? Optional.of(conflicts(user, alignment.vector(), norm, step))
          : Optional.empty();
    }
  }

  /**
   * @param step how far the model is moved each way, in units of length
   */
  private double[] conflicts(
      List<TokenizedExample> user, List<Tensor> alignment, double norm, double step) {
    double[] conflicts = new double[user.size()];
    List<Integer> byLength =
        IntStream.range(0, user.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> user.get(i).length()))
            .toList();
    for (int from = 0; from < byLength.size(); from += batchSize) {
      List<Integer> some = byLength.subList(from, Math.min(byLength.size(), from + batchSize));
      Batch batch = Batch.of(some.stream().map(user::get).toList());
      double[] ahead = model.crossEntropies(batch, alignment, step / norm);
      double[] behind = model.crossEntropies(batch, alignment, -step / norm);
      for (int i = 0; i < some.size(); i++) {
        conflicts[some.get(i)] = (behind[i] - ahead[i]) / (2 * step);
      }
      batchDone.run();
    }
    return conflicts;
  }

  private double norm(Scope scope, List<Tensor> vector) {
    Operators operators = model.torch().operators();
    try (Scope numbers = scope.child()) {
      return Math.sqrt(operators.one(numbers, "dot", vector, vector).item());
    }
  }
}
