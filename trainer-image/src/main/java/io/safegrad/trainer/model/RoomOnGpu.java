package io.safegrad.trainer.model;

import io.safegrad.trainer.tensor.GpuMemory;
import io.safegrad.trainer.tensor.Torch;
import java.util.function.LongPredicate;

/** Keeps what a GPU has room for twice: logits and what is computed and not kept need some, too. */
final class RoomOnGpu implements Recomputation {

  private final LongPredicate isThere;
  private long enough = SMALL;
  private long tooMuch = Long.MAX_VALUE;

  /**
   * @param isThere whether so many bytes can be had
   */
  RoomOnGpu(LongPredicate isThere) {
    this.isThere = isThere;
  }

  static RoomOnGpu of(Torch torch) {
    return new RoomOnGpu(bytes -> GpuMemory.isThere(torch, bytes));
  }

  @Override
  public boolean keeps(long savedBytes) {
    if (savedBytes > enough && savedBytes < tooMuch) {
      if (isThere.test(2 * savedBytes)) {
        enough = savedBytes;
      } else {
        tooMuch = savedBytes;
      }
    }
    return savedBytes <= enough;
  }
}
