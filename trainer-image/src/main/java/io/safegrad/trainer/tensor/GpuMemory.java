package io.safegrad.trainer.tensor;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.JniUtils;
import java.util.function.LongPredicate;

/** How much of a GPU's memory is left, found out by asking for it: no operator of libtorch says. */
public final class GpuMemory {

  private static final long GIB = 1L << 30;
  private static final long MOST_GIB = 1024;

  private GpuMemory() {}

  /** The most bytes that one tensor can still have on the first GPU, in whole GiB. */
  public static long freeBytes(Torch torch) {
    return GIB * largest(gib -> isThere(torch, gib));
  }

  /** The largest number below {@link #MOST_GIB} that fits, where all that are smaller do. */
  static long largest(LongPredicate fits) {
    long fitting = 0;
    long tooMany = MOST_GIB;
    while (tooMany - fitting > 1) {
      long asked = (fitting + tooMany) / 2;
      if (fits.test(asked)) {
        fitting = asked;
      } else {
        tooMany = asked;
      }
    }
    return fitting;
  }

  private static boolean isThere(Torch torch, long gib) {
    try (Scope once = torch.scope().child()) {
      once.uninitialised(gib * GIB / Float.BYTES);
      return true;
    } catch (EngineException e) {
      return false;
    } finally {
      JniUtils.emptyCudaCache();
    }
  }
}
