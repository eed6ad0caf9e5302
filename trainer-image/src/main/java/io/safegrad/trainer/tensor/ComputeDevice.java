package io.safegrad.trainer.tensor;

/**
 * Where tensors are kept and computed.
 *
 * @param name as torch has it
 * @param visible whether Java reads and writes a tensor's memory where it lies; what is written to
 *     or read from any other device is copied
 */
public record ComputeDevice(String name, boolean visible) {

  /** The processor. */
  public static final ComputeDevice CPU = new ComputeDevice("cpu", true);

  /** The first NVIDIA GPU that this process sees. */
  public static final ComputeDevice CUDA = new ComputeDevice("cuda:0", false);

  /** Whether it is a GPU. */
  public boolean cuda() {
    return name.startsWith("cuda");
  }
}
