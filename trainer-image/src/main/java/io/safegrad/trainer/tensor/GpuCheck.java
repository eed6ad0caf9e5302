package io.safegrad.trainer.tensor;

import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.pytorch.jni.LibUtils;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;

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
      return attends(torch, new int[] {0, 4}) ? null : "its attention is wrong";
    } catch (EngineException e) {
      return reason(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Whether attention to four tokens of zeros is zero.
   *
   * @param starts where sequences begin, for a GPU's kernel; empty for a CPU's
   */
  static boolean attends(Torch torch, int[] starts) {
    Scope scope = torch.scope();
    Operators operators = torch.operators();
    float[] ones = new float[4 * HEAD_DIM];
    Arrays.fill(ones, 1);
    Tensor attended = operators.one(scope, "to_bfloat16", scope.float32(ones, 4, HEAD_DIM));
    Tensor heads = operators.one(scope, "new_zeros", attended, new long[] {4, 3, HEAD_DIM});
    Tensor sums = scope.float32(new float[4], 4);
    operators.apply(
        "attend_", attended, sums, heads, new long[] {1, 4}, scope.int32(starts), 1, 1.0, 0, 0.0);
    float[] found = operators.one(scope, "to_float32", attended).toFloatArray();
    return IntStream.range(0, found.length).allMatch(i -> found[i] == 0);
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
