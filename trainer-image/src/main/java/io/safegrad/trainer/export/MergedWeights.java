package io.safegrad.trainer.export;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.Weights;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model's weights with a LoRA adapter added to them, {@code W + scale · B A} in float32, each
 * computed when it is read.
 */
public final class MergedWeights implements Weights {

  private static final Pattern FACTOR =
      Pattern.compile("base_model\\.model\\.(.+)\\.lora_([AB])\\.weight");

  private final Weights start;
  private final double scale;
  private final Map<String, Factors> factors;
  private final Torch torch;

  /**
   * @param a [r, in]
   * @param b [out, r]
   */
  private record Factors(FloatTensor a, FloatTensor b) {}

  private MergedWeights(Weights start, double scale, Map<String, Factors> factors) {
    this.start = start;
    this.scale = scale;
    this.factors = factors;
    this.torch = Torch.open();
  }

  /**
   * The merged weights. Those of the start model stay open when these are closed.
   *
   * @throws TrainerException with BAD_DATA when the adapter does not fit: a factor without its
   *     partner, for a tensor that the model has not, or of another shape
   */
  public static MergedWeights of(Weights start, PeftAdapter adapter) {
    Map<String, Factors> factors = new HashMap<>();
    for (String name : adapter.tensors().keySet()) {
      Matcher matcher = FACTOR.matcher(name);
      if (!matcher.matches()) {
        throw badAdapter("tensor " + name + " is not a factor of a LoRA adapter");
      }
      String weight = matcher.group(1) + ".weight";
      factors.computeIfAbsent(weight, key -> factors(start, adapter, key, matcher.group(1)));
    }
    return new MergedWeights(start, adapter.scale(), factors);
  }

  private static Factors factors(Weights start, PeftAdapter adapter, String weight, String module) {
    FloatTensor a = adapter.tensors().get("base_model.model." + module + ".lora_A.weight");
    FloatTensor b = adapter.tensors().get("base_model.model." + module + ".lora_B.weight");
    if (a == null || b == null) {
      throw badAdapter("module " + module + " has one factor; expected lora_A and lora_B");
    }
    if (!start.names().contains(weight)) {
      throw badAdapter("it adapts " + module + ", which the model does not have");
    }
    long rank = adapter.lora().rank();
    long[] shape = start.shape(weight);
    if (shape.length != 2
        || !Arrays.equals(a.shape(), new long[] {rank, shape[1]})
        || !Arrays.equals(b.shape(), new long[] {shape[0], rank})) {
      throw badAdapter(
          "the factors of %s have the shapes %s and %s; expected [r, in] and [out, r] for a weight of %s and r %d"
              .formatted(
                  module,
                  Arrays.toString(a.shape()),
                  Arrays.toString(b.shape()),
                  Arrays.toString(shape),
                  rank));
    }
    return new Factors(a, b);
  }

  private static TrainerException badAdapter(String message) {
    return new TrainerException(
        ExitReason.BAD_DATA, "the adapter does not belong to this model: " + message);
  }

  @Override
  public Set<String> names() {
    return start.names();
  }

  @Override
  public long[] shape(String name) {
    return start.shape(name);
  }

  @Override
  public void readFloat32(String name, FloatBuffer destination) {
    Factors adapted = factors.get(name);
    if (adapted == null) {
      start.readFloat32(name, destination);
      return;
    }
    try (Scope scope = torch.scope().child()) {
      Tensor weight = scope.uninitialised(shape(name));
      start.readFloat32(name, weight.floats());
      torch
          .operators()
          .apply("merge_", weight, tensor(scope, adapted.b), tensor(scope, adapted.a), scale);
      destination.put(weight.floats());
    }
  }

  private static Tensor tensor(Scope scope, FloatTensor values) {
    return scope.float32(values.values(), values.shape());
  }

  @Override
  public void close() {
    torch.close();
  }
}
