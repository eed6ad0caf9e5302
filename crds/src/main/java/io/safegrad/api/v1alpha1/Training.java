package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.ValidationRule;

/** Hyperparameters of the training loop. */
// The API server also checks the default {}, which has no fields yet.
@ValidationRule(
    value = "!has(self.earlyStoppingPatience) || has(self.evalSteps)",
    message = Training.PATIENCE_MESSAGE)
@ValidationRule(
    value =
        "!has(self.earlyStoppingThreshold) || self.earlyStoppingThreshold == 0.0"
            + " || has(self.earlyStoppingPatience)",
    message = Training.THRESHOLD_MESSAGE)
@ValidationRule(
    value = "!has(self.loadBestModelAtEnd) || !self.loadBestModelAtEnd || has(self.evalSteps)",
    message = Training.BEST_MESSAGE)
public record Training(
    @Default("Lora")
        @JsonPropertyDescription(
            "Lora trains a low-rank adapter beside the frozen weights. Full trains every weight.")
        Mode mode,
    @Default("1") @Min(1) @Max(1000) @JsonPropertyDescription("Passes over the data set.")
        Integer epochs,
    @Min(1)
        @Max(10000000)
        @JsonPropertyDescription(
            "Optimizer steps to do instead of whole epochs. When given, epochs is not used.")
        Integer maxSteps,
    @Default("8") @Min(1) @Max(4096) @JsonPropertyDescription("Examples per micro-batch.")
        Integer batchSize,
    @Default("1")
        @Min(1)
        @Max(4096)
        @JsonPropertyDescription(
            "Micro-batches whose gradients are accumulated before each optimizer step.")
        Integer gradientAccumulationSteps,
    @Default("1024")
        @Min(8)
        @Max(131072)
        @JsonPropertyDescription(
            "Tokens per example. Longer examples are cut at the end; one whose response would be cut"
                + " away wholly is an error.")
        Integer maxLength,
    @Default("false")
        @JsonPropertyDescription(
            "Packs several examples into rows of at most maxLength tokens, as TRL does; each example"
                + " sees itself alone. Then batchSize counts rows: where examples are short, a step"
                + " has many. Nothing is padded with or without it.")
        Boolean packing,
    @Default("false")
        @JsonPropertyDescription(
            "Takes examples of similar length together, as Hugging Face's group_by_length, in an"
                + " order that is less random. Nothing is padded with or without it.")
        Boolean groupByLength,
    @Default("1e-4") @Min(0) @Max(1) @JsonPropertyDescription("AdamW's learning rate at its peak.")
        Double learningRate,
    @Default("Cosine") @JsonPropertyDescription("How the learning rate goes on after the warm-up.")
        Scheduler scheduler,
    @Default("0.03")
        @Min(0)
        @Max(1)
        @JsonPropertyDescription("Share of the steps over which the learning rate rises from 0.")
        Double warmupRatio,
    @Default("0.0")
        @Min(0)
        @Max(1)
        @JsonPropertyDescription("AdamW's decoupled weight decay, of all but norms and biases.")
        Double weightDecay,
    @Default("1.0")
        @Min(0)
        @Max(1000000)
        @JsonPropertyDescription("Largest global norm of the gradient; 0 switches clipping off.")
        Double maxGradNorm,
    @Default("43")
        @Min(0)
        @Max(Integer.MAX_VALUE)
        @JsonPropertyDescription("Seed of the data order and of the adapter.")
        Integer seed,
    @Default("100")
        @Min(0)
        @Max(10000000)
        @JsonPropertyDescription(
            "Optimizer steps between two checkpoints, from which a stopped or killed run goes on; 0"
                + " keeps none. They lie beside output.destination until the run has ended.")
        Integer saveSteps,
    @Default("2")
        @Min(1)
        @Max(1000)
        @JsonPropertyDescription("Checkpoints to keep; the oldest is removed first.")
        Integer saveTotalLimit,
    @Min(1)
        @Max(10000000)
        @JsonPropertyDescription(
            "Optimizer steps between two measurements of the loss on the examples that"
                + " dataset.validationFraction holds back. None while it trains when absent.")
        Integer evalSteps,
    @Min(1)
        @Max(1000000)
        @JsonPropertyDescription(
            "Training ends when so many measurements in a row were no improvement on the best one"
                + " before. It never ends early when absent.")
        Integer earlyStoppingPatience,
    @Default("0.0")
        @Min(0)
        @Max(1000000)
        @JsonPropertyDescription(
            "By how many nats the loss must fall below the best one before to be an improvement.")
        Double earlyStoppingThreshold,
    @Default("false")
        @JsonPropertyDescription(
            "Takes what had the smallest of the measured losses as the result, instead of what the"
                + " last step left. It is kept in memory and in each checkpoint.")
        Boolean loadBestModelAtEnd,
    @Default("Auto")
        @JsonPropertyDescription(
            "Whether a layer's activations are computed again in the backward pass instead of kept"
                + " from the forward pass: less memory for a quarter more time, and the same"
                + " gradients. Auto: when those of all layers are more than 4 GiB; on a GPU, when"
                + " it has no room for twice as much. Always, Never.")
        GradientCheckpointing gradientCheckpointing,
    @JsonPropertyDescription(
            "Computes in bfloat16, as TRL's bf16: half the memory of activations and of frozen"
                + " weights, and less exact figures. What is trained, its gradients, norms and losses"
                + " stay float32. When absent, on a GPU and not on a CPU; a GPU computes in nothing"
                + " else.")
        Boolean bf16,
    @Default("{}") @JsonPropertyDescription("The adapter. Used by mode Lora only.") Lora lora) {

  public static final String PATIENCE_MESSAGE = "earlyStoppingPatience needs evalSteps";
  public static final String THRESHOLD_MESSAGE =
      "earlyStoppingThreshold needs earlyStoppingPatience";
  public static final String BEST_MESSAGE = "loadBestModelAtEnd needs evalSteps";

  /** A training that is not measured while it runs. */
  public Training(
      Mode mode,
      Integer epochs,
      Integer maxSteps,
      Integer batchSize,
      Integer gradientAccumulationSteps,
      Integer maxLength,
      Boolean packing,
      Boolean groupByLength,
      Double learningRate,
      Scheduler scheduler,
      Double warmupRatio,
      Double weightDecay,
      Double maxGradNorm,
      Integer seed,
      Integer saveSteps,
      Integer saveTotalLimit,
      Lora lora) {
    this(
        mode,
        epochs,
        maxSteps,
        batchSize,
        gradientAccumulationSteps,
        maxLength,
        packing,
        groupByLength,
        learningRate,
        scheduler,
        warmupRatio,
        weightDecay,
        maxGradNorm,
        seed,
        saveSteps,
        saveTotalLimit,
        null,
        null,
        0.0,
        false,
        GradientCheckpointing.Auto,
        null,
        lora);
  }

  /** The same of single examples in the order of the seed. */
  public Training(
      Mode mode,
      Integer epochs,
      Integer maxSteps,
      Integer batchSize,
      Integer gradientAccumulationSteps,
      Integer maxLength,
      Double learningRate,
      Scheduler scheduler,
      Double warmupRatio,
      Double weightDecay,
      Double maxGradNorm,
      Integer seed,
      Integer saveSteps,
      Integer saveTotalLimit,
      Lora lora) {
    this(
        mode,
        epochs,
        maxSteps,
        batchSize,
        gradientAccumulationSteps,
        maxLength,
        false,
        false,
        learningRate,
        scheduler,
        warmupRatio,
        weightDecay,
        maxGradNorm,
        seed,
        saveSteps,
        saveTotalLimit,
        lora);
  }

  /** Whether activations are computed again; Auto in plans from before this field. */
  public GradientCheckpointing gradientCheckpointingOrDefault() {
    return gradientCheckpointing == null ? GradientCheckpointing.Auto : gradientCheckpointing;
  }

  /** What is trained. */
  public enum Mode {
    Lora,
    Full
  }

  /** When activations are computed again in the backward pass. */
  public enum GradientCheckpointing {
    Auto,
    Always,
    Never
  }

  /** Learning rate schedules. */
  public enum Scheduler {
    Constant,
    Linear,
    Cosine
  }
}
