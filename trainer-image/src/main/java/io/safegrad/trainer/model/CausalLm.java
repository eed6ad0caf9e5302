package io.safegrad.trainer.model;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import io.safegrad.trainer.weights.Weights;
import java.util.List;
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
  private Tensor startHead;

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
        new ForwardLosses(
            config, torch.operators(), scope, trainingPass, model, gates.trained(), trained);
    this.gradients =
        new LossGradients(
            scope,
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

  /** The tensors that training changes. */
  public List<Tensor> parameters() {
    return trained.flat();
  }

  /** The same under the names that files have, and what has a value for each of them. */
  public TrainedParameters trained() {
    return trained;
  }

  /** Losses without gradients. */
  public ForwardLosses losses() {
    return losses;
  }

  /** Losses and their gradients. */
  public LossGradients gradients() {
    return gradients;
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
    return reference(alignment, passes, this, trained.haveHead());
  }

  /**
   * What another model of the same architecture, the start model, says about the alignment set:
   * computed now, so that it can be closed.
   */
  public ReferenceModel reference(List<TokenizedExample> alignment, CausalLm start) {
    return reference(alignment, ReferenceModel.passes(alignment), start, true);
  }

  /**
   * @param changes whether the start model, its head among it, is another one by and by
   */
  private ReferenceModel reference(
      List<TokenizedExample> alignment,
      List<List<Integer>> passes,
      CausalLm start,
      boolean changes) {
    Scope scope = torch.scope().child();
    Tensor head = changes ? head(start, scope) : scope.uninitialised(0, config.hiddenSize());
    ReferenceModel reference =
        new ReferenceModel(
            scope,
            alignment,
            passes,
            torch.operators(),
            head,
            batch -> start.frozenStates(scope, batch));
    if (changes) {
      reference.computeAll();
    }
    return reference;
  }

  /** A copy of the start model's head. All references to this model's own start share one. */
  private Tensor head(CausalLm start, Scope scope) {
    if (start != this) {
      return torch.operators().one(scope, "copy", start.model.head());
    }
    if (startHead == null) {
      startHead = torch.operators().one(torch.scope(), "copy", model.head());
    }
    return startHead;
  }

  private Tensor frozenStates(Scope results, Batch batch) {
    long[] positions = Objective.before(Objective.labelled(batch), 0);
    return trainingPass.states(results, model, batch, gates.frozen(), positions);
  }

  @Override
  public void close() {
    torch.close();
  }
}
