package io.safegrad.trainer.train;

import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

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
  public Supplier<StepOutcome> descend(int step, Window window) {
    DoubleSupplier loss = gradients.user(window, user);
    DoubleSupplier squaredNorm = gradients.squaredNorm(gradient());
    return () -> StepOutcome.ofUser(loss.getAsDouble(), Math.sqrt(squaredNorm.getAsDouble()));
  }

  @Override
  public List<Tensor> gradient() {
    return user.vector();
  }
}
