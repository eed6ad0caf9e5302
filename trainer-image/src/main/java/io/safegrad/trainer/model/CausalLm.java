package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.Objective.CrossEntropy;
import io.safegrad.trainer.model.Objective.KlDivergence;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.nio.DoubleBuffer;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntConsumer;

/**
 * A decoder-only language model ({@link Architecture} has the families), in float32, with a LoRA
 * adapter or with every weight trained. Not for concurrent use.
 */
public final class CausalLm implements AutoCloseable {

  private final ModelConfig config;
  private final Torch torch;
  private final Decoder decoder;
  private final TrainingPass trainingPass;
  private final ModelTensors model;
  private final List<NamedTensor> trained;
  private final ModelTensors trainedTensors;
  private final AdapterGates gates;
  private final JointPass jointPass;
  private final double dropout;
  private final long seed;

  private CausalLm(
      ModelConfig config, Torch torch, Weights weights, Training training, Model.Storage storage) {
    this(
        config,
        torch,
        weights,
        training.mode() == Training.Mode.Full ? null : training.lora(),
        training.seed(),
        storage,
        Recomputation.of(training.gradientCheckpointingOrDefault()));
  }

  /**
   * @param lora the adapter that is trained; null when every weight is
   */
  private CausalLm(
      ModelConfig config,
      Torch torch,
      Weights weights,
      Lora lora,
      long seed,
      Model.Storage storage,
      Recomputation recomputation) {
    this.config = config;
    this.torch = torch;
    boolean full = lora == null;
    Scope scope = torch.scope();
    ModelLoader loader = new ModelLoader(config, scope, torch.operators(), storage);
    this.model = loader.load(weights, lora, seed);
    this.trained = full ? loader.weights() : loader.adapter();
    Tensor none = scope.uninitialised(0);
    this.trainedTensors = full ? model : model.map(weight -> none, factor -> factor);
    this.decoder = new Decoder(config, torch.operators(), scope.child());
    this.trainingPass = new TrainingPass(config, torch.operators(), decoder, recomputation);
    this.gates = full ? AdapterGates.none(scope) : AdapterGates.of(lora, scope);
    this.jointPass =
        full ? null : new JointPass(torch.operators(), trainingPass, gates, lora.rank());
    this.dropout = full ? 0 : lora.dropout();
    this.seed = seed;
  }

  /**
   * Reads a model.
   *
   * @param training says what is trained; the adapter starts as PEFT initialises it, so that it
   *     changes nothing
   * @throws TrainerException with BAD_DATA when a tensor is missing or has another shape than the
   *     configuration asks for
   */
  public static CausalLm load(ModelConfig config, Weights weights, Training training) {
    return load(config, weights, training, Model.Storage.Float32);
  }

  /**
   * Reads a model and keeps its frozen weights in less memory.
   *
   * @throws TrainerException as {@link #load(ModelConfig, Weights, Training)}; with BAD_PLAN when
   *     every weight is to be trained and they are not kept in float32
   */
  public static CausalLm load(
      ModelConfig config, Weights weights, Training training, Model.Storage storage) {
    if (training.mode() == Training.Mode.Full && storage != Model.Storage.Float32) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "model.storage is %s; expected Float32, because training.mode Full trains the weights"
              .formatted(storage));
    }
    Torch torch = Torch.open();
    try {
      return new CausalLm(config, torch, weights, training, storage);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /**
   * Reads a model that is asked and not trained.
   *
   * @throws TrainerException as {@link #load(ModelConfig, Weights, Training)}
   */
  public static CausalLm load(ModelConfig config, Weights weights) {
    Torch torch = Torch.open();
    try {
      return new CausalLm(
          config, torch, weights, null, 0, Model.Storage.Float32, Recomputation.AUTO);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /** The model's architecture. */
  public ModelConfig config() {
    return config;
  }

  /** The tensor library that the model's tensors belong to. */
  public Torch torch() {
    return torch;
  }

  /**
   * Continues each prompt by its most likely next token, again and again.
   *
   * @param prompts token ids, at least one each
   * @param maxNewTokens most tokens of a reply
   * @param endOfSequenceIds tokens that end a reply
   * @return the new tokens of each prompt, without the one that ended it
   */
  public List<int[]> generate(
      List<int[]> prompts, int maxNewTokens, Set<Integer> endOfSequenceIds) {
    return new GreedyGeneration(config, torch.operators(), decoder)
        .generate(torch.scope(), model, gates.trained(), prompts, maxNewTokens, endOfSequenceIds);
  }

  /**
   * Continues one prompt token by token.
   *
   * @param prompt token ids, at least one
   * @param maxNewTokens most tokens of the reply
   * @param endOfSequenceIds tokens that end it
   * @param sampling how each token is chosen
   * @param token is told each new token as it comes, the one that ends the reply left out
   */
  public void generate(
      int[] prompt,
      int maxNewTokens,
      Set<Integer> endOfSequenceIds,
      Sampling sampling,
      IntConsumer token) {
    new StreamedGeneration(config, torch.operators(), decoder)
        .generate(
            torch.scope(),
            model,
            gates.trained(),
            prompt,
            maxNewTokens,
            endOfSequenceIds,
            sampling,
            token);
  }

  /**
   * The logits at every position, for tests and small uses: training never makes them.
   *
   * @param batch padded
   * @return [rows, length, vocabulary]
   */
  public FloatTensor logits(Batch batch) {
    try (Scope scope = torch.scope().child()) {
      long[] all = new long[batch.inputIds().length];
      for (int i = 0; i < all.length; i++) {
        all[i] = i;
      }
      Tensor states = states(scope, batch, gates.trained(), all);
      Tensor logits =
          torch.operators().one(scope, "logits", states, model.head(), config.logitSoftCap());
      return new FloatTensor(
          new long[] {batch.rows(), batch.length(), config.vocabSize()}, logits.toFloatArray());
    }
  }

  /** The tensors that training changes. */
  public List<Tensor> parameters() {
    return trainedTensors.flat();
  }

  /** A gradient of zeros, in the given scope. */
  public Gradient newGradient(Scope scope) {
    return new Gradient(zeros(scope, trainedTensors));
  }

  /**
   * What the start model says about the alignment set. The start model is this model with its
   * adapter off, or as it is now when every weight is trained: then call it before training.
   */
  public ReferenceModel reference(List<TokenizedExample> alignment) {
    Scope scope = torch.scope().child();
    boolean modelChanges = trainedTensors.head().size() > 0;
    Tensor head =
        modelChanges
            ? torch.operators().one(scope, "copy", model.head())
            : scope.uninitialised(0, config.hiddenSize());
    ReferenceModel reference =
        new ReferenceModel(scope, alignment, head, batch -> frozenStates(scope, batch));
    if (modelChanges) {
      reference.computeAll();
    }
    return reference;
  }

  private Tensor frozenStates(Scope results, Batch batch) {
    long[] positions = Objective.before(Objective.labelled(batch), 0);
    return states(results, batch, gates.frozen(), positions);
  }

  /**
   * Adds {@code scale} times the gradient of the batch's summed cross-entropy, without dropout.
   *
   * @return the cross-entropy summed over the response tokens, in nats, not scaled
   */
  public double addUserGradient(Batch batch, double scale, Gradient gradient) {
    return addUserGradient(batch, scale, gradient, LoraDropout.NONE);
  }

  /**
   * The same with the adapter's dropout, where the training has any.
   *
   * @param pass names what drops out: the same for the same number, seed and batch
   */
  public double addUserGradient(Batch batch, double scale, Gradient gradient, long pass) {
    return addUserGradient(batch, scale, gradient, dropout(batch, pass));
  }

  private double addUserGradient(
      Batch batch, double scale, Gradient gradient, LoraDropout dropped) {
    return addGradient(batch, CrossEntropy.of(batch, 0, scale), gradient, dropped);
  }

  private LoraDropout dropout(Batch batch, long pass) {
    return dropout == 0
        ? LoraDropout.NONE
        : new LoraDropout(
            dropout, batch.tokens(), LoraDropout.mixed(LoraDropout.mixed(seed) + pass));
  }

  /**
   * Adds {@code scale} times the gradient of the batch's summed KL divergence from the start model.
   *
   * @return the divergence summed over the response tokens, in nats, not scaled
   */
  public double addAlignmentGradient(AlignmentBatch alignment, double scale, Gradient gradient) {
    return addGradient(
        alignment.batch(), KlDivergence.of(alignment, 0, scale), gradient, LoraDropout.NONE);
  }

  /**
   * Does what {@link #addUserGradient} and {@link #addAlignmentGradient} do, in one pass where that
   * is cheaper. The adapter's dropout is on for the user's batch alone.
   *
   * @param pass as for {@link #addUserGradient(Batch, double, Gradient, long)}
   * @return the summed cross-entropy and the summed KL divergence
   */
  public double[] addGradients(
      Batch user,
      double userScale,
      AlignmentBatch alignment,
      double alignmentScale,
      Gradient userGradient,
      Gradient alignmentGradient,
      long pass) {
    if (jointPass != null && JointPass.pays(user, alignment.batch())) {
      return jointPass.run(
          torch.scope(),
          model,
          user,
          userScale,
          alignment,
          alignmentScale,
          userGradient.tensors(),
          alignmentGradient.tensors(),
          dropout(user, pass));
    }
    return new double[] {
      addUserGradient(user, userScale, userGradient, pass),
      addAlignmentGradient(alignment, alignmentScale, alignmentGradient)
    };
  }

  /**
   * The batch's cross-entropy, summed over the response tokens, in nats: a forward pass without
   * gradients.
   */
  public double crossEntropy(Batch batch) {
    try (Scope scope = torch.scope().child()) {
      CrossEntropy objective = CrossEntropy.of(batch, 0, 1);
      Tensor states = states(scope, batch, gates.trained(), objective.positions());
      Tensor noGradient = scope.uninitialised(0);
      return objective
          .evaluate(
              torch.operators(), scope, states, model.head(), noGradient, config.logitSoftCap())
          .get(0)
          .item();
    }
  }

  /**
   * The batch's KL divergence from the start model, summed over the response tokens, in nats: a
   * forward pass without gradients.
   */
  public double klDivergence(AlignmentBatch alignment) {
    try (Scope scope = torch.scope().child()) {
      KlDivergence objective = KlDivergence.of(alignment, 0, 1);
      Tensor states = states(scope, alignment.batch(), gates.trained(), objective.positions());
      Tensor noGradient = scope.uninitialised(0);
      return objective
          .evaluate(
              torch.operators(), scope, states, model.head(), noGradient, config.logitSoftCap())
          .get(0)
          .item();
    }
  }

  /**
   * The cross-entropy of each row, summed over its response tokens, in nats, of this model with
   * everything that is trained moved by {@code factor} times a direction. The model itself is not
   * moved. A forward pass without gradients.
   *
   * @param direction each of the shape and at the place of one of {@link #parameters()}
   */
  public double[] crossEntropies(Batch batch, List<Tensor> direction, double factor) {
    try (Scope scope = torch.scope().child()) {
      List<Tensor> parameters = parameters();
      List<Tensor> moved = torch.operators().call(scope, "moved", parameters, direction, factor);
      Map<Tensor, Tensor> movedOf = new IdentityHashMap<>();
      for (int i = 0; i < moved.size(); i++) {
        movedOf.put(parameters.get(i), moved.get(i));
      }
      ModelTensors elsewhere =
          model.map(
              weight -> movedOf.getOrDefault(weight, weight),
              adapter -> movedOf.getOrDefault(adapter, adapter));
      int[] labelled = Objective.labelled(batch);
      long[] targets = Arrays.stream(labelled).mapToLong(i -> batch.labels()[i]).toArray();
      Tensor states =
          trainingPass.states(
              scope, elsewhere, batch, gates.trained(), Objective.before(labelled, 0));
      DoubleBuffer losses =
          torch
              .operators()
              .one(
                  scope,
                  "cross_entropies",
                  states,
                  elsewhere.head(),
                  scope.int64(targets),
                  config.logitSoftCap())
              .doubles();
      double[] sums = new double[batch.rows()];
      for (int i = 0; i < labelled.length; i++) {
        sums[labelled[i] / batch.length()] += losses.get(i);
      }
      return sums;
    }
  }

  private double addGradient(
      Batch batch, Objective objective, Gradient gradient, LoraDropout dropped) {
    return trainingPass
        .run(
            torch.scope(),
            model,
            batch,
            gates.trained(),
            List.of(objective),
            gradient.tensors(),
            dropped)[0];
  }

  /**
   * What is trained, under the names that PEFT (Lora) or Hugging Face transformers (Full) gives.
   */
  public Map<String, FloatTensor> trainedTensors() {
    return named(parameters());
  }

  /** The same without a copy; not valid after the model. */
  public Weights trainedWeights() {
    return new TrainedWeights(trained);
  }

  /**
   * Something that has a value for each trained one, under the names of {@link #trainedTensors()}
   * and without a copy; not valid after it.
   *
   * @param vector each of the shape and at the place of one of {@link #parameters()}
   */
  public TensorContents contents(List<Tensor> vector) {
    return new TrainedWeights(trainedWithin(vector));
  }

  /** A gradient under the names of {@link #trainedTensors()}. */
  Map<String, FloatTensor> named(Gradient gradient) {
    return named(gradient.vector());
  }

  /**
   * Copies something that has a value for each trained one, under the names of {@link
   * #trainedTensors()}.
   *
   * @param vector each of the shape and at the place of one of {@link #parameters()}
   */
  public Map<String, FloatTensor> named(List<Tensor> vector) {
    Map<String, FloatTensor> tensors = new LinkedHashMap<>();
    trainedWithin(vector).forEach(tensor -> tensors.put(tensor.name(), tensor.copy()));
    return tensors;
  }

  private List<NamedTensor> trainedWithin(List<Tensor> vector) {
    Map<Tensor, Tensor> placeOf = new IdentityHashMap<>();
    List<Tensor> parameters = parameters();
    for (int i = 0; i < parameters.size(); i++) {
      placeOf.put(parameters.get(i), vector.get(i));
    }
    return trained.stream().map(tensor -> tensor.within(placeOf.get(tensor.tensor()))).toList();
  }

  /**
   * Sets all that is trained.
   *
   * @param tensors as {@link #trainedTensors()} gives them
   * @throws TrainerException with BAD_DATA when one is missing, unknown or of another shape
   */
  public void loadAdapter(Map<String, FloatTensor> tensors) {
    setNamed(parameters(), tensors);
  }

  /**
   * Sets something that has a value for each trained one.
   *
   * @param vector each of the shape and at the place of one of {@link #parameters()}
   * @param tensors as {@link #named(List)} gives them
   * @throws TrainerException with BAD_DATA when one is missing, unknown or of another shape
   */
  public void setNamed(List<Tensor> vector, Map<String, FloatTensor> tensors) {
    List<NamedTensor> places = trainedWithin(vector);
    requireNames(places, tensors.keySet());
    places.forEach(tensor -> tensor.set(tensors.get(tensor.name())));
  }

  /** The same from a file, of which one tensor at a time is read. */
  public void setNamed(List<Tensor> vector, Weights tensors) {
    List<NamedTensor> places = trainedWithin(vector);
    requireNames(places, tensors.names());
    places.forEach(tensor -> tensor.set(tensors));
  }

  private static void requireNames(List<NamedTensor> places, Set<String> found) {
    Set<String> names = new TreeSet<>(found);
    for (NamedTensor tensor : places) {
      if (!names.remove(tensor.name())) {
        throw new TrainerException(
            ExitReason.BAD_DATA, "the adapter lacks the tensor " + tensor.name());
      }
    }
    if (!names.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "the adapter has a tensor that the plan does not train: " + names.iterator().next());
    }
  }

  private Tensor states(Scope results, Batch batch, Tensor gate, long[] positions) {
    return trainingPass.states(results, model, batch, gate, positions);
  }

  private ModelTensors zeros(Scope scope, ModelTensors like) {
    return like.map(tensor -> zeros(scope, tensor), tensor -> zeros(scope, tensor));
  }

  private Tensor zeros(Scope scope, Tensor like) {
    return torch.operators().one(scope, "zeros_like", List.of(like));
  }

  @Override
  public void close() {
    torch.close();
  }
}
