package io.safegrad.trainer.train;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import java.util.List;

/**
 * The loss on examples that are not trained on.
 *
 * @param loss mean cross-entropy of their response tokens, in nats
 * @param examples how many there are
 * @param responseTokens tokens that the mean is over
 */
public record ValidationLoss(double loss, int examples, int responseTokens) {

  /**
   * Measures a model as it is now, forward only.
   *
   * @param examples one at least
   * @param batchSize examples of one forward pass
   */
  public static ValidationLoss of(CausalLm model, List<TokenizedExample> examples, int batchSize) {
    double sum = 0;
    int tokens = 0;
    for (int from = 0; from < examples.size(); from += batchSize) {
      Batch batch = Batch.of(examples.subList(from, Math.min(examples.size(), from + batchSize)));
      sum += model.losses().crossEntropy(batch);
      tokens += batch.responseTokens();
    }
    return new ValidationLoss(sum / tokens, examples.size(), tokens);
  }
}
