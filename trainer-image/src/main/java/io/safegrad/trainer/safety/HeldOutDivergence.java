package io.safegrad.trainer.safety;

import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import java.util.stream.IntStream;

/**
 * How far a model has moved from the start model on alignment examples that are never trained on.
 */
public final class HeldOutDivergence {

  private HeldOutDivergence() {}

  /**
   * The mean KL divergence of the response tokens, in nats, of a model as it is now; never below 0.
   *
   * @param heldOut what the start model says of the examples, one at least
   * @param batchSize examples of one forward pass
   */
  public static double of(CausalLm model, ReferenceModel heldOut, int batchSize) {
    double sum = 0;
    int tokens = 0;
    for (int from = 0; from < heldOut.size(); from += batchSize) {
      int to = Math.min(heldOut.size(), from + batchSize);
      AlignmentBatch batch = heldOut.batch(IntStream.range(from, to).boxed().toList());
      sum += model.losses().klDivergence(batch);
      tokens += batch.responseTokens();
    }
    return Math.max(0, sum / tokens);
  }
}
