package io.safegrad.trainer.train;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.tensor.Operators;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;

/**
 * The loss on the held-back examples while a run trains, and what follows from it: when to stop, by
 * the rule of Hugging Face's {@code EarlyStoppingCallback}, and which parameters were the best, by
 * that of {@code load_best_model_at_end} with {@code metric_for_best_model="loss"}.
 */
final class Validation {

  private final CausalLm model;
  private final Training training;
  private final List<TokenizedExample> examples;
  private final List<Tensor> best;
  private ValidationProgress progress = ValidationProgress.NONE;

  /**
   * @param scope holds the best parameters, where they are kept
   */
  Validation(CausalLm model, Scope scope, Training training, List<TokenizedExample> examples) {
    this.model = model;
    this.training = training;
    this.examples = examples;
    this.best =
        training.loadBestModelAtEnd()
            ? operators(model).call(scope, "zeros_like", model.parameters())
            : List.of();
  }

  /**
   * Measures after a step, if it is one to measure after; else null.
   *
   * @throws TrainerException with BAD_DATA when the loss is infinite or not a number
   */
  Double after(int step) {
    if (training.evalSteps() == null || step % training.evalSteps() != 0) {
      return null;
    }
    double loss = ValidationLoss.of(model, examples, training.batchSize()).loss();
    if (!Double.isFinite(loss)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "the validation loss after step %d is %s; expected a finite number"
              .formatted(step, loss));
    }
    progress = progress.with(step, loss, training.earlyStoppingThreshold());
    if (progress.bestStep() == step && !best.isEmpty()) {
      operators(model).apply("assign_", best, model.parameters());
    }
    return loss;
  }

  /** Whether training ends now. */
  boolean stops() {
    return training.earlyStoppingPatience() != null
        && progress.withoutImprovement() >= training.earlyStoppingPatience();
  }

  /** Gives the model the best parameters, where they were kept. */
  void loadBest() {
    if (!best().isEmpty()) {
      operators(model).apply("assign_", model.parameters(), best);
    }
  }

  /** The best parameters; empty when they are not kept, or there are none yet. */
  List<Tensor> best() {
    return progress.bestStep() == 0 ? List.of() : best;
  }

  ValidationProgress progress() {
    return progress;
  }

  /** Goes on from there; the best parameters are set apart from that. */
  void resume(ValidationProgress earlier) {
    progress = earlier;
  }

  private static Operators operators(CausalLm model) {
    return model.torch().operators();
  }
}
