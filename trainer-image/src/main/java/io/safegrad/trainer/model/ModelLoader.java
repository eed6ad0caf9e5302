package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.trainer.tensor.Operators;
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
  private final Operators operators;
  private final Model.Storage storage;
  private final Tensor none;
  private final List<NamedTensor> weights = new ArrayList<>();
  private final List<NamedTensor> adapter = new ArrayList<>();

  /**
   * @param scope receives the tensors
   * @param storage of the matrices; Float32 where they are trained
   */
  ModelLoader(ModelConfig config, Scope scope, Operators operators, Model.Storage storage) {
    this.config = config;
    this.scope = scope;
    this.operators = operators;
    this.storage = storage;
    this.none = scope.uninitialised(0);
  }

  /**
   * Reads the model.
   *
   * @param lora the adapter, or null for none
   * @param seed of the adapter's initialisation
   */
  ModelTensors load(Weights source, Lora lora, long seed) {
    long largest = storage == Model.Storage.Float32 ? 0 : LinearGroup.largestMatrix(config);
    try (WeightReader reader = new WeightReader(source, operators, scope.onHost(), largest)) {
      Tensor embedding = vocabularyMatrix(reader, "model.embed_tokens.weight");
      Tensor norm = vector(reader, "model.norm.weight", config.hiddenSize());
      Tensor head = config.tiedHead() ? embedding : vocabularyMatrix(reader, "lm_head.weight");
      Random random = new Random(seed);
      List<ModelTensors.Layer> layers = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        String prefix = "model.layers." + i + ".";
        layers.add(new ModelTensors.Layer(layer(reader, prefix), adapter(prefix, lora, random)));
      }
      return new ModelTensors(embedding, norm, head, layers);
    }
  }

  /** The weights under their Hugging Face names; those that are stored in float32. */
  List<NamedTensor> weights() {
    return weights;
  }

  /** The adapter's factors under their PEFT names. */
  List<NamedTensor> adapter() {
    return adapter;
  }

  private List<Tensor> layer(WeightReader reader, String prefix) {
    int hidden = config.hiddenSize();
    int headDim = config.headDim();
    String attention = prefix + "self_attn.";
    LinearGroup qkv = LinearGroup.queryKeyValue(config);
    boolean outputNorms = config.blockOutputNorms();
    return List.of(
        vector(reader, prefix + "input_layernorm.weight", hidden),
        matrix(reader, prefix, qkv),
        config.qkvBias() ? bias(reader, prefix, qkv) : none,
        config.qkNorm() ? vector(reader, attention + "q_norm.weight", headDim) : none,
        config.qkNorm() ? vector(reader, attention + "k_norm.weight", headDim) : none,
        matrix(reader, prefix, LinearGroup.output(config)),
        // Gemma's post_attention_layernorm is another one.
        vector(
            reader,
            prefix
                + (outputNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm")
                + ".weight",
            hidden),
        matrix(reader, prefix, LinearGroup.gateUp(config)),
        matrix(reader, prefix, LinearGroup.down(config)),
        outputNorms ? vector(reader, prefix + "post_attention_layernorm.weight", hidden) : none,
        outputNorms ? vector(reader, prefix + "post_feedforward_layernorm.weight", hidden) : none);
  }

  private Tensor vector(WeightReader reader, String name, int size) {
    Tensor tensor = scope.uninitialised(size);
    read(reader, List.of(new NamedTensor(name, new long[] {size}, tensor, 0, false)));
    return tensor;
  }

  /** The embedding or the output head: int8 would cost the rare tokens too much. */
  private Tensor vocabularyMatrix(WeightReader reader, String name) {
    long[] shape = {config.vocabSize(), config.hiddenSize()};
    if (storage == Model.Storage.Float32) {
      Tensor tensor = scope.uninitialised(shape);
      read(reader, List.of(new NamedTensor(name, shape, tensor, 0, false)));
      return tensor;
    }
    List<NamedTensor> parts = List.of(new NamedTensor(name, shape, none, 0, false));
    return scope.moved(reader.bfloat16(parts, config.vocabSize(), config.hiddenSize()));
  }

  private Tensor matrix(WeightReader reader, String prefix, LinearGroup group) {
    int out = group.out();
    int in = group.in();
    if (storage == Model.Storage.Float32) {
      Tensor tensor = scope.uninitialised(out, in);
      read(reader, parts(prefix, group, tensor, false));
      return tensor;
    }
    List<NamedTensor> parts = parts(prefix, group, none, false);
    return scope.moved(
        storage == Model.Storage.Int8
            ? reader.narrowed("to_int8", parts, out, in)
            : reader.bfloat16(parts, out, in));
  }

  private Tensor bias(WeightReader reader, String prefix, LinearGroup group) {
    Tensor tensor = scope.uninitialised(group.out());
    read(reader, parts(prefix, group, tensor, true));
    return tensor;
  }

  /** The weights or the biases of a group's linears, one below the other. */
  private static List<NamedTensor> parts(
      String prefix, LinearGroup group, Tensor tensor, boolean biases) {
    int columns = biases ? 1 : group.in();
    List<NamedTensor> parts = new ArrayList<>();
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      String name = prefix + group.block() + "." + linear.name() + (biases ? ".bias" : ".weight");
      long[] shape = biases ? new long[] {linear.out()} : new long[] {linear.out(), group.in()};
      parts.add(new NamedTensor(name, shape, tensor, first, false));
      first += linear.out() * columns;
    }
    return parts;
  }

  private void read(WeightReader reader, List<NamedTensor> parts) {
    parts.forEach(reader::read);
    weights.addAll(parts);
  }

  private List<Tensor> adapter(String prefix, Lora lora, Random random) {
    List<Tensor> factors = new ArrayList<>();
    for (LinearGroup group : LinearGroup.all(config)) {
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
