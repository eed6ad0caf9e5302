package io.safegrad.trainer.train;

import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import java.util.function.Supplier;

/**
 * What makes a fine-tune keep the model's alignment. The loop asks for a window of the examples
 * that a step reads, lets the method compute the gradient of the step, clips it, moves the
 * parameters by AdamW, and lets the method correct what came out.
 */
interface FineTuningMethod {

  /** The examples that a step reads. */
  Content reads(int step);

  /**
   * Computes the gradient that the optimizer goes down.
   *
   * @param step the step's number, from 1
   * @return what was observed, for which the device is waited for; the gradient is in {@link
   *     #gradient()}
   */
  Supplier<StepOutcome> descend(int step, Window window);

  /** The gradient of the newest step: one tensor for each trained one. */
  List<Tensor> gradient();

  /** Corrects the parameters after the optimizer has moved them. */
  default StepOutcome correct(Window window, StepOutcome outcome) {
    return outcome;
  }

  /**
   * What later steps depend on beside the parameters, and a checkpoint therefore holds: vectors,
   * each of one tensor for each trained one.
   */
  default List<List<Tensor>> memory() {
    return List.of();
  }
}
