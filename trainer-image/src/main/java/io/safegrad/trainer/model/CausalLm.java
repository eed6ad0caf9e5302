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
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.TensorContents;
import io.safegrad.trainer.weights.Weights;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * A decoder-only language model ({@link Architecture} has the families), in float32 or in bfloat16,
 * with a LoRA adapter or with every weight trained, which are float32. Not for concurrent use.
 */
public final class CausalLm implements AutoCloseable {

  private final ModelConfig config;
  private final Torch torch;
  private final Decoder decoder;
  private final TrainingPass trainingPass;
  private final ModelTensors model;
  private final AdapterGates gates;
  private final TrainedParameters trained;
  private final ForwardLosses losses;
  private final LossGradients gradients;

  private CausalLm(
      ModelConfig config, Torch torch, Weights weights, Training training, Model.Storage storage) {
    this(
        config,
        torch,
        weights,
        training.mode() == Training.Mode.Full ? null : training.lora(),
        training.seed(),
        storage,
        training.gradientCheckpointingOrDefault());
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
      Training.GradientCheckpointing checkpointing) {
    this.config = config;
    this.torch = torch;
    boolean full = lora == null;
    Scope scope = torch.scope();
    ModelLoader loader = new ModelLoader(config, scope, torch.operators(), storage);
    this.model = loader.load(weights, lora, seed);
    this.decoder = new Decoder(config, torch.operators(), torch.compute(), scope.child());
    this.gates = full ? AdapterGates.none(scope) : AdapterGates.of(lora, scope);
    Tensor none = scope.uninitialised(0);
    this.trained =
        new TrainedParameters(
            torch.operators(),
            full ? model : model.map(weight -> none, factor -> factor),
            full ? loader.weights() : loader.adapter());
    this.trainingPass =
        new TrainingPass(
            config, torch, decoder, Recomputation.of(checkpointing, torch), scope.child());
    this.losses =
        new ForwardLosses(config, torch.operators(), trainingPass, model, gates.trained());
    this.gradients =
        new LossGradients(
            trainingPass,
            full ? null : new JointPass(trainingPass, torch, gates.trained()),
            model,
            gates.trained(),
            full ? 0 : lora.dropout(),
            seed);
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

  /** The same, and keeps the frozen weights in less memory. */
  public static CausalLm load(
      ModelConfig config, Weights weights, Training training, Model.Storage storage) {
    return load(config, weights, training, storage, Compute.CPU);
  }

  /**
   * Reads a model and keeps its frozen weights in less memory.
   *
   * @param compute where and in what type it computes; in bfloat16, frozen matrices are kept in it
   *     where float32 is asked for
   * @throws TrainerException as {@link #load(ModelConfig, Weights, Training)}; with BAD_PLAN when
   *     every weight is to be trained and they are not kept in float32; when a GPU cannot compute
   *     it
   */
  public static CausalLm load(
      ModelConfig config,
      Weights weights,
      Training training,
      Model.Storage storage,
      Compute compute) {
    if (training.mode() == Training.Mode.Full && storage != Model.Storage.Float32) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "model.storage is %s; expected Float32, because training.mode Full trains the weights"
              .formatted(storage));
    }
    GpuFitness.require(config, storage, compute);
    boolean trainsThem = training.mode() == Training.Mode.Full;
    Torch torch = Torch.open(compute);
    try {
      return new CausalLm(
          config, torch, weights, training, trainsThem ? storage : kept(storage, compute));
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
    return load(config, weights, Compute.CPU);
  }

  /** The same, computed as is said. */
  public static CausalLm load(ModelConfig config, Weights weights, Compute compute) {
    GpuFitness.require(config, Model.Storage.Float32, compute);
    Torch torch = Torch.open(compute);
    try {
      return new CausalLm(
          config,
          torch,
          weights,
          null,
          0,
          kept(Model.Storage.Float32, compute),
          Training.GradientCheckpointing.Never);
    } catch (RuntimeException e) {
      torch.close();
      throw e;
    }
  }

  /** How frozen matrices are kept. */
  static Model.Storage kept(Model.Storage asked, Compute compute) {
    return asked == Model.Storage.Float32 && compute.type() == ComputeType.BFLOAT16
        ? Model.Storage.BFloat16
        : asked;
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
    trainingPass.release();
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
    trainingPass.release();
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
   * @return [tokens, vocabulary]
   */
  public FloatTensor logits(Batch batch) {
    return new FloatTensor(
        new long[] {batch.tokens(), config.vocabSize()}, losses.logits(torch.scope(), batch));
  }

  /** The tensors that training changes. */
  public List<Tensor> parameters() {
    return trained.flat();
  }

  /** A gradient of zeros, in the given scope. */
  public Gradient newGradient(Scope scope) {
    return trained.newGradient(scope);
  }

  /**
   * What the start model says about the alignment set. The start model is this model with its
   * adapter off, or as it is now when every weight is trained: then call it before training.
   */
  public ReferenceModel reference(List<TokenizedExample> alignment) {
    return reference(alignment, ReferenceModel.passes(alignment));
  }

  /**
   * The same with a say in what is computed together.
   *
   * @param passes as {@link ReferenceModel} takes them
   */
  public ReferenceModel reference(List<TokenizedExample> alignment, List<List<Integer>> passes) {
    Scope scope = torch.scope().child();
    boolean modelChanges = trained.haveHead();
    Tensor head =
        modelChanges
            ? torch.operators().one(scope, "copy", model.head())
            : scope.uninitialised(0, config.hiddenSize());
    ReferenceModel reference =
        new ReferenceModel(
            scope, alignment, passes, torch.operators(), head, batch -> frozenStates(scope, batch));
    if (modelChanges) {
      reference.computeAll();
    }
    return reference;
  }

  /**
   * What another model of the same architecture, the start model, says about the alignment set:
   * computed now, so that it can be closed.
   */
  public ReferenceModel reference(List<TokenizedExample> alignment, CausalLm start) {
    Scope scope = torch.scope().child();
    Tensor head = torch.operators().one(scope, "copy", start.model.head());
    ReferenceModel reference =
        new ReferenceModel(
            scope,
            alignment,
            ReferenceModel.passes(alignment),
            torch.operators(),
            head,
            batch -> start.frozenStates(scope, batch));
    reference.computeAll();
    return reference;
  }

  private Tensor frozenStates(Scope results, Batch batch) {
    long[] positions = Objective.before(Objective.labelled(batch), 0);
    return trainingPass.states(results, model, batch, gates.frozen(), positions);
  }

  /**
   * Adds {@code scale} times the gradient of the batch's summed cross-entropy, without dropout.
   *
   * @return the cross-entropy summed over the response tokens, in nats, not scaled
   */
  public double addUserGradient(Batch batch, double scale, Gradient gradient) {
    try (Scope numbers = torch.scope().child()) {
      return gradients.addUser(numbers, torch.scope(), batch, scale, gradient).item();
    }
  }

  /**
   * The same with the adapter's dropout, where the training has any.
   *
   * @param pass names what drops out: the same for the same number, seed and batch
   */
  public double addUserGradient(Batch batch, double scale, Gradient gradient, long pass) {
    try (Scope numbers = torch.scope().child()) {
      return addUserGradient(numbers, batch, scale, gradient, pass).item();
    }
  }

  /** The same, its result a scalar in a scope, for which the device need not be waited for. */
  public Tensor addUserGradient(
      Scope results, Batch batch, double scale, Gradient gradient, long pass) {
    return gradients.addUser(results, torch.scope(), batch, scale, gradient, pass);
  }

  /** As {@link #addUserGradient(Batch, double, Gradient)}, its result a scalar in a scope. */
  public Tensor addUserGradient(Scope results, Batch batch, double scale, Gradient gradient) {
    return gradients.addUser(results, torch.scope(), batch, scale, gradient);
  }

  /**
   * Adds {@code scale} times the gradient of the batch's summed KL divergence from the start model.
   *
   * @return the divergence summed over the response tokens, in nats, not scaled
   */
  public double addAlignmentGradient(AlignmentBatch alignment, double scale, Gradient gradient) {
    try (Scope numbers = torch.scope().child()) {
      return addAlignmentGradient(numbers, alignment, scale, gradient).item();
    }
  }

  /** The same, its result a scalar in a scope. */
  public Tensor addAlignmentGradient(
      Scope results, AlignmentBatch alignment, double scale, Gradient gradient) {
    return gradients.addAlignment(results, torch.scope(), alignment, scale, gradient);
  }

  /**
   * Does what {@link #addUserGradient} and {@link #addAlignmentGradient} do, in one pass where that
   * is cheaper. The adapter's dropout is on for the user's batch alone.
   *
   * @param pass as for {@link #addUserGradient(Batch, double, Gradient, long)}
   * @param results receives the result
   * @return the summed cross-entropy and the summed KL divergence, scalars
   */
  public List<Tensor> addGradients(
      Scope results,
      Batch user,
      double userScale,
      AlignmentBatch alignment,
      double alignmentScale,
      Gradient userGradient,
      Gradient alignmentGradient,
      long pass) {
    return gradients.addBoth(
        results,
        torch.scope(),
        user,
        userScale,
        alignment,
        alignmentScale,
        userGradient,
        alignmentGradient,
        pass);
  }

  /**
   * The batch's cross-entropy, summed over the response tokens, in nats: a forward pass without
   * gradients.
   */
  public double crossEntropy(Batch batch) {
    return losses.sum(torch.scope(), batch, CrossEntropy.of(batch, 0, 1));
  }

  /**
   * The batch's KL divergence from the start model, summed over the response tokens, in nats: a
   * forward pass without gradients.
   */
  public double klDivergence(AlignmentBatch alignment) {
    return losses.sum(torch.scope(), alignment.batch(), KlDivergence.of(alignment, 0, 1));
  }

  /**
   * The cross-entropy of each row, summed over its response tokens, in nats, of this model with
   * everything that is trained moved by {@code factor} times a direction. The model itself is not
   * moved. A forward pass without gradients.
   *
   * @param direction each of the shape and at the place of one of {@link #parameters()}
   */
  public double[] crossEntropies(Batch batch, List<Tensor> direction, double factor) {
    return losses.moved(torch.scope(), batch, parameters(), direction, factor);
  }

  /**
   * What is trained, under the names that PEFT (Lora) or Hugging Face transformers (Full) gives.
   */
  public Map<String, FloatTensor> trainedTensors() {
    return named(parameters());
  }

  /** The same without a copy; not valid after the model. */
  public Weights trainedWeights() {
    return trained.weights();
  }

  /**
   * Something that has a value for each trained one, under the names of {@link #trainedTensors()}
   * and without a copy; not valid after it.
   *
   * @param vector each of the shape and at the place of one of {@link #parameters()}
   */
  public TensorContents contents(List<Tensor> vector) {
    return trained.weights(vector);
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
    return trained.copies(vector);
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
    trained.set(vector, tensors);
  }

  /** The same from a file, of which one tensor at a time is read. */
  public void setNamed(List<Tensor> vector, Weights tensors) {
    trained.set(vector, tensors);
  }

  @Override
  public void close() {
    torch.close();
  }
}
