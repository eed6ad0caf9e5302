package io.safegrad.trainer.train;

import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;

/**
 * Plain supervised fine-tuning: {@code g = ∇ L_user}. Safe LoRA trains like this, too; {@link
 * io.safegrad.trainer.surgery.SafeLora} comes after it.
 */
final class Sft implements FineTuningMethod {

  private final GradientAccumulator gradients;
  private final Gradient user;

  Sft(GradientAccumulator gradients) {
    this.gradients = gradients;
    this.user = gradients.newGradient();
  }

  @Override
  public Content reads(int step) {
    return Content.USER;
  }

  @Override
  public StepOutcome descend(int step, Window window) {
    double loss = gradients.user(window, user);
    return StepOutcome.ofUser(loss, Math.sqrt(gradients.squaredNorm(gradient())));
  }

  @Override
  public List<Tensor> gradient() {
    return user.vector();
  }
}
