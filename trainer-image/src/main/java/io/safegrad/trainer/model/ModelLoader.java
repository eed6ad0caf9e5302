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
  // One for all: pieces that come and go between those that stay leave holes in the allocator.
  private final Tensor widened;

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
    this.widened =
        storage == Model.Storage.Float32
            ? none
            : scope.host(
                LinearGroup.all(config).stream()
                    .mapToLong(group -> (long) group.out() * group.in())
                    .max()
                    .orElseThrow());
  }

  /**
   * Reads the model.
   *
   * @param lora the adapter, or null for none
   * @param seed of the adapter's initialisation
   */
  ModelTensors load(Weights source, Lora lora, long seed) {
    Tensor embedding = vocabularyMatrix(source, "model.embed_tokens.weight");
    Tensor norm = vector(source, "model.norm.weight", config.hiddenSize());
    Tensor head = config.tiedHead() ? embedding : vocabularyMatrix(source, "lm_head.weight");
    Random random = new Random(seed);
    List<ModelTensors.Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      String prefix = "model.layers." + i + ".";
      layers.add(new ModelTensors.Layer(layer(source, prefix), adapter(prefix, lora, random)));
    }
    if (widened != none) {
      widened.close();
    }
    return new ModelTensors(embedding, norm, head, layers);
  }

  /** The weights under their Hugging Face names; those that are stored in float32. */
  List<NamedTensor> weights() {
    return weights;
  }

  /** The adapter's factors under their PEFT names. */
  List<NamedTensor> adapter() {
    return adapter;
  }

  private List<Tensor> layer(Weights source, String prefix) {
    int hidden = config.hiddenSize();
    int headDim = config.headDim();
    String attention = prefix + "self_attn.";
    LinearGroup qkv = LinearGroup.queryKeyValue(config);
    boolean outputNorms = config.blockOutputNorms();
    return List.of(
        vector(source, prefix + "input_layernorm.weight", hidden),
        matrix(source, prefix, qkv),
        config.qkvBias() ? bias(source, prefix, qkv) : none,
        config.qkNorm() ? vector(source, attention + "q_norm.weight", headDim) : none,
        config.qkNorm() ? vector(source, attention + "k_norm.weight", headDim) : none,
        matrix(source, prefix, LinearGroup.output(config)),
        // Gemma's post_attention_layernorm is another one.
        vector(
            source,
            prefix
                + (outputNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm")
                + ".weight",
            hidden),
        matrix(source, prefix, LinearGroup.gateUp(config)),
        matrix(source, prefix, LinearGroup.down(config)),
        outputNorms ? vector(source, prefix + "post_attention_layernorm.weight", hidden) : none,
        outputNorms ? vector(source, prefix + "post_feedforward_layernorm.weight", hidden) : none);
  }

  private Tensor vector(Weights source, String name, int size) {
    Tensor tensor = scope.uninitialised(size);
    read(source, List.of(new NamedTensor(name, new long[] {size}, tensor, 0, false)));
    return tensor;
  }

  /** The embedding or the output head: int8 would cost the rare tokens too much. */
  private Tensor vocabularyMatrix(Weights source, String name) {
    long[] shape = {config.vocabSize(), config.hiddenSize()};
    boolean whole = storage == Model.Storage.Float32;
    Tensor tensor = whole ? scope.uninitialised(shape) : scope.host(shape);
    List<NamedTensor> parts = List.of(new NamedTensor(name, shape, tensor, 0, false));
    if (whole) {
      read(source, parts);
      return tensor;
    }
    parts.forEach(part -> part.readFrom(source));
    try (tensor) {
      return scope.moved(operators.one(scope, "to_bfloat16", tensor));
    }
  }

  private Tensor matrix(Weights source, String prefix, LinearGroup group) {
    boolean whole = storage == Model.Storage.Float32;
    Tensor tensor = whole ? scope.uninitialised(group.out(), group.in()) : widened;
    List<NamedTensor> parts = new ArrayList<>();
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      String name = prefix + group.block() + "." + linear.name() + ".weight";
      long[] shape = {linear.out(), group.in()};
      parts.add(new NamedTensor(name, shape, tensor, first, false));
      first += linear.out() * group.in();
    }
    if (whole) {
      read(source, parts);
      return tensor;
    }
    parts.forEach(part -> part.readFrom(source));
    String operator = storage == Model.Storage.Int8 ? "to_int8" : "to_bfloat16";
    try (Tensor matrix = operators.one(scope, "first_matrix", widened, group.out(), group.in())) {
      return scope.moved(operators.one(scope, operator, matrix));
    }
  }

  private Tensor bias(Weights source, String prefix, LinearGroup group) {
    Tensor tensor = scope.uninitialised(group.out());
    List<NamedTensor> parts = new ArrayList<>();
    int first = 0;
    for (LinearGroup.Linear linear : group.linears()) {
      String name = prefix + group.block() + "." + linear.name() + ".bias";
      parts.add(new NamedTensor(name, new long[] {linear.out()}, tensor, first, false));
      first += linear.out();
    }
    read(source, parts);
    return tensor;
  }

  private void read(Weights source, List<NamedTensor> parts) {
    parts.forEach(part -> part.readFrom(source));
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
