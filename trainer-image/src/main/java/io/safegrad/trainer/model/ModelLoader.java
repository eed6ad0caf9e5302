package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Makes a model's tensors: reads the weights, those of linears with a common input into one matrix,
 * and initialises the adapter.
 */
final class ModelLoader {

  /** Linears that read the same input, in the order in which their rows stand. */
  private record LinearGroup(String block, List<TargetModule> linears) {}

  private static final LinearGroup QKV =
      new LinearGroup(
          "self_attn", List.of(TargetModule.q_proj, TargetModule.k_proj, TargetModule.v_proj));
  private static final LinearGroup O = new LinearGroup("self_attn", List.of(TargetModule.o_proj));
  private static final LinearGroup GATE_UP =
      new LinearGroup("mlp", List.of(TargetModule.gate_proj, TargetModule.up_proj));
  private static final LinearGroup DOWN = new LinearGroup("mlp", List.of(TargetModule.down_proj));

  private static final String PEFT_PREFIX = "base_model.model.";

  private final ModelConfig config;
  private final Scope scope;
  private final Tensor none;
  private final List<NamedTensor> weights = new ArrayList<>();
  private final List<NamedTensor> adapter = new ArrayList<>();

  /**
   * @param scope receives the tensors
   */
  ModelLoader(ModelConfig config, Scope scope) {
    this.config = config;
    this.scope = scope;
    this.none = scope.uninitialised(0);
  }

  /**
   * Reads the model.
   *
   * @param lora the adapter, or null for none
   * @param seed of the adapter's initialisation
   */
  ModelTensors load(Weights source, Lora lora, long seed) {
    Tensor embedding = matrix("model.embed_tokens.weight", config.vocabSize(), config.hiddenSize());
    Tensor norm = vector("model.norm.weight", config.hiddenSize());
    Tensor head =
        config.tiedHead()
            ? embedding
            : matrix("lm_head.weight", config.vocabSize(), config.hiddenSize());
    Random random = new Random(seed);
    List<ModelTensors.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      String prefix = "model.layers." + i + ".";
      layers.add(new ModelTensors.Layer(layer(prefix), adapter(prefix, lora, random)));
    }
    weights.forEach(tensor -> tensor.readFrom(source));
    return new ModelTensors(embedding, norm, head, layers);
  }

  /** The weights under their Hugging Face names. */
  List<NamedTensor> weights() {
    return weights;
  }

  /** The adapter's factors under their PEFT names. */
  List<NamedTensor> adapter() {
    return adapter;
  }

  private List<Tensor> layer(String prefix) {
    int headDim = config.headDim();
    String attention = prefix + "self_attn.";
    return List.of(
        vector(prefix + "input_layernorm.weight", config.hiddenSize()),
        group(prefix, QKV, ".weight"),
        config.qkvBias() ? group(prefix, QKV, ".bias") : none,
        config.qkNorm() ? vector(attention + "q_norm.weight", headDim) : none,
        config.qkNorm() ? vector(attention + "k_norm.weight", headDim) : none,
        group(prefix, O, ".weight"),
        vector(prefix + "post_attention_layernorm.weight", config.hiddenSize()),
        group(prefix, GATE_UP, ".weight"),
        group(prefix, DOWN, ".weight"));
  }

  private Tensor vector(String name, int size) {
    Tensor tensor = scope.uninitialised(size);
    weights.add(new NamedTensor(name, new long[] {size}, tensor, 0, false));
    return tensor;
  }

  private Tensor matrix(String name, int rows, int columns) {
    Tensor tensor = scope.uninitialised(rows, columns);
    weights.add(new NamedTensor(name, new long[] {rows, columns}, tensor, 0, false));
    return tensor;
  }

  private Tensor group(String prefix, LinearGroup group, String suffix) {
    boolean bias = suffix.equals(".bias");
    int in = inputs(group.linears().get(0));
    int rows = group.linears().stream().mapToInt(this::outputs).sum();
    Tensor tensor = bias ? scope.uninitialised(rows) : scope.uninitialised(rows, in);
    int first = 0;
    for (TargetModule linear : group.linears()) {
      int out = outputs(linear);
      long[] shape = bias ? new long[] {out} : new long[] {out, in};
      weights.add(
          new NamedTensor(
              prefix + group.block() + "." + linear + suffix, shape, tensor, first, false));
      first += bias ? out : out * in;
    }
    return tensor;
  }

  private List<Tensor> adapter(String prefix, Lora lora, Random random) {
    List<Tensor> factors = new ArrayList<>();
    for (LinearGroup group : List.of(QKV, O, GATE_UP, DOWN)) {
      factors.addAll(adapter(prefix, group, lora, random));
    }
    return List.copyOf(factors);
  }

  /** The stacked As of a group and then each linear's B, as PEFT initialises them. */
  private List<Tensor> adapter(String prefix, LinearGroup group, Lora lora, Random random) {
    Set<TargetModule> targets = lora == null ? Set.of() : Set.copyOf(lora.targetModules());
    int in = inputs(group.linears().get(0));
    int adapted = (int) group.linears().stream().filter(targets::contains).count();
    int rank = adapted == 0 ? 0 : lora.rank();
    Tensor a = scope.float32(kaimingUniform(adapted * rank, in, random), adapted * rank, in);
    List<Tensor> factors = new ArrayList<>(List.of(a));
    int first = 0;
    for (TargetModule linear : group.linears()) {
      int out = outputs(linear);
      if (!targets.contains(linear)) {
        factors.add(scope.uninitialised(0, out));
        continue;
      }
      Tensor b = scope.float32(new float[rank * out], rank, out);
      factors.add(b);
      String name = PEFT_PREFIX + prefix + group.block() + "." + linear;
      adapter.add(new NamedTensor(name + ".lora_A.weight", new long[] {rank, in}, a, first, false));
      adapter.add(new NamedTensor(name + ".lora_B.weight", new long[] {out, rank}, b, 0, true));
      first += rank * in;
    }
    return factors;
  }

  /** PEFT's initialisation of A, kaiming_uniform_ with a = √5: uniform in ±1/√in. */
  private static float[] kaimingUniform(int rows, int in, Random random) {
    float bound = (float) (1 / Math.sqrt(in));
    float[] values = new float[rows * in];
    for (int i = 0; i < values.length; i++) {
      values[i] = (2 * random.nextFloat() - 1) * bound;
    }
    return values;
  }

  private int inputs(TargetModule linear) {
    return switch (linear) {
      case q_proj, k_proj, v_proj, gate_proj, up_proj -> config.hiddenSize();
      case o_proj -> config.queryWidth();
      case down_proj -> config.intermediateSize();
    };
  }

  private int outputs(TargetModule linear) {
    return switch (linear) {
      case q_proj -> config.queryWidth();
      case k_proj, v_proj -> config.keyValueWidth();
      case gate_proj, up_proj -> config.intermediateSize();
      case o_proj, down_proj -> config.hiddenSize();
    };
  }
}
