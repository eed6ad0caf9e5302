package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Makes a model's tensors: reads the weights, those of linears with a common input into one matrix,
 * and initialises the adapter.
 */
final class ModelLoader {

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
    int hidden = config.hiddenSize();
    int headDim = config.headDim();
    String attention = prefix + "self_attn.";
    LinearGroup qkv = LinearGroup.queryKeyValue(config);
    boolean outputNorms = config.blockOutputNorms();
    return List.of(
        vector(prefix + "input_layernorm.weight", hidden),
        matrix(prefix, qkv),
        config.qkvBias() ? bias(prefix, qkv) : none,
        config.qkNorm() ? vector(attention + "q_norm.weight", headDim) : none,
        config.qkNorm() ? vector(attention + "k_norm.weight", headDim) : none,
        matrix(prefix, LinearGroup.output(config)),
        // Gemma's post_attention_layernorm is another one.
        vector(
            prefix
                + (outputNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm")
                + ".weight",
            hidden),
        matrix(prefix, LinearGroup.gateUp(config)),
        matrix(prefix, LinearGroup.down(config)),
        outputNorms ? vector(prefix + "post_attention_layernorm.weight", hidden) : none,
        outputNorms ? vector(prefix + "post_feedforward_layernorm.weight", hidden) : none);
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

  private Tensor matrix(String prefix, LinearGroup group) {
    Tensor tensor = scope.uninitialised(group.out(), group.in());
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      String name = prefix + group.block() + "." + linear.name() + ".weight";
      long[] shape = {linear.out(), group.in()};
      weights.add(new NamedTensor(name, shape, tensor, first, false));
      first += linear.out() * group.in();
    }
    return tensor;
  }

  private Tensor bias(String prefix, LinearGroup group) {
    Tensor tensor = scope.uninitialised(group.out());
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      String name = prefix + group.block() + "." + linear.name() + ".bias";
      weights.add(new NamedTensor(name, new long[] {linear.out()}, tensor, first, false));
      first += linear.out();
    }
    return tensor;
  }

  private List<Tensor> adapter(String prefix, Lora lora, Random random) {
    List<Tensor> factors = new ArrayList<>();
    for (LinearGroup group :
        List.of(
            LinearGroup.queryKeyValue(config),
            LinearGroup.output(config),
            LinearGroup.gateUp(config),
            LinearGroup.down(config))) {
      factors.addAll(adapter(prefix, group, lora, random));
    }
    return List.copyOf(factors);
  }

  /** The stacked As of a group and then each linear's B, as PEFT initialises them. */
  private List<Tensor> adapter(String prefix, LinearGroup group, Lora lora, Random random) {
    List<LinearGroup.Linear> adapted =
        group.linears().stream().filter(linear -> lora != null && linear.adaptedBy(lora)).toList();
    int in = group.in();
    int rank = adapted.isEmpty() ? 0 : lora.rank();
    int rows = adapted.size() * rank;
    Tensor a = scope.float32(kaimingUniform(rows, in, random), rows, in);
    List<Tensor> factors = new ArrayList<>(List.of(a));
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      int out = linear.out();
      if (!adapted.contains(linear)) {
        factors.add(scope.uninitialised(0, out));
        continue;
      }
      Tensor b = scope.float32(new float[rank * out], rank, out);
      factors.add(b);
      String name = PEFT_PREFIX + prefix + group.block() + "." + linear.name();
      adapter.add(new NamedTensor(name + ".lora_A.weight", new long[] {rank, in}, a, first, false));
      adapter.add(new NamedTensor(name + ".lora_B.weight", new long[] {out, rank}, b, 0, true));
      first += rank * in;
    }
    while (factors.size() <= group.places()) {
      // Not of no columns: "twice" could not tell how many rows there are.
      factors.add(scope.uninitialised(0, 1));
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
}
