package io.safegrad.trainer.safety;

import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How far a model has moved from the start model on examples that it was not trained on: the KL
 * divergence at their response tokens, in nats, of a model as it is now.
 *
 * @param nats the sum over all of them; never below 0
 * @param tokens how many response tokens there are
 * @param examples how many examples
 */
public record Divergence(double nats, long tokens, int examples) {

  /**
   * Measures it.
   *
   * @param reference what the start model says of the examples, one at least
   * @param batchSize examples of one forward pass
   */
  public static Divergence of(CausalLm model, ReferenceModel reference, int batchSize) {
    return of(model, reference, IntStream.range(0, reference.size()).boxed().toList(), batchSize);
  }

  /**
   * Measures it on some of them.
   *
   * @param which their indexes, one at least
   */
  public static Divergence of(
      CausalLm model, ReferenceModel reference, List<Integer> which, int batchSize) {
    double sum = 0;
    long tokens = 0;
    for (int from = 0; from < which.size(); from += batchSize) {
      AlignmentBatch batch =
          reference.batch(which.subList(from, Math.min(which.size(), from + batchSize)));
      sum += model.losses().klDivergence(batch);
      tokens += batch.responseTokens();
    }
    return new Divergence(Math.max(0, sum), tokens, which.size());
  }

  /**
   * Measures a model whose start model is still there, with the adapter off; what that says of the
   * examples is not kept.
   *
   * @param examples one at least
   */
  public static Divergence of(CausalLm model, List<TokenizedExample> examples, int batchSize) {
    try (ReferenceModel reference = model.reference(examples)) {
      return of(model, reference, batchSize);
    }
  }

  /** The mean of a token. */
  public double perToken() {
    return nats / tokens;
  }

  /** The mean of an example, by the chain rule that of its whole reply. */
  public double perExample() {
    return nats / examples;
  }
}
