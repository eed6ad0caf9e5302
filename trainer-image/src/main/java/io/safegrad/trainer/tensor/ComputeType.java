package io.safegrad.trainer.tensor;

/** The type of what a model computes: hidden states, and the operands of matrix products. */
public enum ComputeType {
  FLOAT32(6, 4),
  /** Half the memory; on a GPU many times the speed, and the only type its attention kernel has. */
  BFLOAT16(15, 2);

  private final int number;
  private final int bytes;

  ComputeType(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** Torch's number for it, which operators take. */
  public int number() {
    return number;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
