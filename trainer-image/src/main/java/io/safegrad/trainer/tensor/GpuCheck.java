package io.safegrad.trainer.tensor;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.LibUtils;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether there is a GPU to compute on, found out by computing on it. */
public final class GpuCheck {

  private static final int HEAD_DIM = 64;

  private GpuCheck() {}

  /** Whether this process's libtorch was built for NVIDIA GPUs. */
  public static boolean builtForGpus() {
    Torch.keepOffline();
    Engine.getEngine("PyTorch");
    return Files.exists(Path.of(LibUtils.getLibtorchPath(), System.mapLibraryName("torch_cuda")));
  }

  /**
   * Attends to four tokens in bfloat16 on the first GPU.
   *
   * @return why that was not possible, as libtorch says it; null when it was
   */
  public static String failure() {
    try (Torch torch = Torch.open(Compute.on(ComputeDevice.CUDA, true))) {
      Scope scope = torch.scope();
      Tensor ones = scope.float32(new float[] {1, 1, 1, 1}, 4, 1, 1);
      Tensor heads = torch.operators().one(scope, "new_zeros", ones, new long[] {4, 3, HEAD_DIM});
      Tensor half = torch.operators().one(scope, "to_bfloat16", heads);
      Tensor starts = scope.int32(new int[] {0, 4});
      Tensor attended =
          torch
              .operators()
              .call(scope, "attend", half, new long[] {1, 4}, starts, 1, 1.0, 0, 0.0)
              .get(0);
      return torch.operators().one(scope, "to_float32", attended).toFloatArray()[0] == 0
          ? null
          : "its attention is wrong";
    } catch (EngineException e) {
      return reason(String.valueOf(e.getMessage()));
    }
  }

  /** TorchScript tells where it was first, and what was wrong in the line with the error's name. */
  static String reason(String message) {
    return message
        .lines()
        .filter(line -> line.contains("Error: "))
        .findFirst()
        .or(() -> message.lines().findFirst())
        .orElse("no message");
  }
}
