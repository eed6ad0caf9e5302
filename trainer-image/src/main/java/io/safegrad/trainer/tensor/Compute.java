package io.safegrad.trainer.tensor;

/**
 * How a model is computed.
 *
 * @param device where
 * @param type in what; parameters that are trained, their gradients and the optimizer's moments are
 *     float32 in any case
 */
public record Compute(ComputeDevice device, ComputeType type) {

  /** On the processor in float32. */
  public static final Compute CPU = new Compute(ComputeDevice.CPU, ComputeType.FLOAT32);

  /**
   * On a device in its own type: bfloat16 on a GPU, else float32.
   *
   * @param bf16 what is asked for instead; null for nothing
   */
  public static Compute on(ComputeDevice device, Boolean bf16) {
    boolean half = bf16 == null ? device.cuda() : bf16;
    return new Compute(device, half ? ComputeType.BFLOAT16 : ComputeType.FLOAT32);
  }
}
