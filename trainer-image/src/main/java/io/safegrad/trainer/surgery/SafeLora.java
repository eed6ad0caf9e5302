package io.safegrad.trainer.surgery;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Safe LoRA (arXiv 2405.16833): after training, each linear layer's update ΔW = B A is compared
 * with its projection by what alignment changed in that layer, and replaced by it when they differ
 * too much:
 *
 * <pre>
 *   V = W_aligned − W_base        C = V Vᵀ / ‖V‖
 *   ΔW ← C ΔW    if cos(C ΔW, ΔW) &lt; threshold
 * </pre>
 *
 * C is the paper's fast form of the projection: it keeps V's directions and not their lengths. C ΔW
 * is (C B) A, so the adapter stays one.
 */
public final class SafeLora {

  private static final String PREFIX = "base_model.model.";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  private final Torch torch;
  private final Weights aligned;
  private final Weights base;
  private int unchangedLayers;

  /**
   * @param aligned the start model
   * @param base the model that it was aligned from
   */
  public SafeLora(Torch torch, Weights aligned, Weights base) {
    this.torch = torch;
    this.aligned = aligned;
    this.base = base;
  }

  /**
   * What became of one linear layer's update.
   *
   * @param name of the layer
   * @param cosine of the update and its projection, 0 when the projection is zero; null when there
   *     is no update, or alignment changed nothing here
   */
  public record Module(String name, Double cosine, boolean projected) {}

  /**
   * What came out.
   *
   * @param adapter under PEFT's names
   */
  public record Result(Map<String, FloatTensor> adapter, List<Module> modules) {}

  /**
   * Projects an adapter.
   *
   * @param adapter under PEFT's names
   * @throws TrainerException with BAD_DATA when the base model lacks an adapted layer, has it in
   *     another shape, or does not differ from the start model at all
   */
  public Result project(Map<String, FloatTensor> adapter, double threshold) {
    Map<String, FloatTensor> projected = new LinkedHashMap<>(adapter);
    unchangedLayers = 0;
    List<Module> modules = new ArrayList<>();
    for (Map.Entry<String, FloatTensor> factor : adapter.entrySet()) {
      if (factor.getKey().endsWith(B)) {
        String name =
            factor.getKey().substring(PREFIX.length(), factor.getKey().length() - B.length());
        FloatTensor a = adapter.get(PREFIX + name + A);
        try (Scope scope = torch.scope().child()) {
          modules.add(module(scope, name, a, factor.getValue(), threshold, projected));
        }
      }
    }
    if (unchangedLayers == modules.size()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "method.safeLora.baseModel: its linear layers are those of model.source; expected the"
              + " model that it was aligned from");
    }
    return new Result(projected, List.copyOf(modules));
  }

  private Module module(
      Scope scope,
      String name,
      FloatTensor a,
      FloatTensor b,
      double threshold,
      Map<String, FloatTensor> projected) {
    Tensor difference = weight(scope, aligned, name + ".weight");
    Tensor unaligned = weight(scope, base, name + ".weight");
    torch.operators().apply("add_scaled_", List.of(difference), List.of(unaligned), -1.0);
    List<Tensor> found =
        torch
            .operators()
            .call(
                scope,
                "safe_lora",
                difference,
                scope.float32(b.values(), b.shape()),
                scope.float32(a.values(), a.shape()));
    boolean unchanged = isZero(scope, difference);
    unchangedLayers += unchanged ? 1 : 0;
    if (unchanged || isZero(scope, scope.float32(b.values(), b.shape()))) {
      return new Module(name, null, false);
    }
    double cosine = Double.isFinite(found.get(1).item()) ? found.get(1).item() : 0;
    boolean projects = cosine < threshold;
    if (projects) {
      projected.put(PREFIX + name + B, new FloatTensor(b.shape(), found.get(0).toFloatArray()));
    }
    return new Module(name, cosine, projects);
  }

  private boolean isZero(Scope scope, Tensor tensor) {
    List<Tensor> vector = List.of(tensor);
    return torch.operators().one(scope, "dot", vector, vector).item() == 0;
  }

  private Tensor weight(Scope scope, Weights weights, String name) {
    long[] expected = aligned.shape(name);
    if (!weights.names().contains(name) || !Arrays.equals(weights.shape(name), expected)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "method.safeLora.baseModel: it has no tensor %s of shape %s; expected a model of the same architecture as model.source"
              .formatted(name, Arrays.toString(expected)));
    }
    return scope.float32(memory -> weights.readFloat32(name, memory), expected);
  }
}
