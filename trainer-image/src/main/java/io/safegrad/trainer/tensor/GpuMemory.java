package io.safegrad.trainer.tensor;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.JniUtils;

/** What a GPU's memory has room for, found out by asking for it: no operator of libtorch says. */
public final class GpuMemory {

  private GpuMemory() {}

  /** Whether a tensor of so many bytes can be had on the device; it is given back at once. */
  public static boolean isThere(Torch torch, long bytes) {
    try (Scope once = torch.scope().child()) {
      once.uninitialised(bytes / Float.BYTES);
      return true;
    } catch (EngineException e) {
      return false;
    } finally {
      JniUtils.emptyCudaCache();
    }
  }
}
