package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;

/** Hyperparameters of the training loop. */
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
                + " sees itself alone. Then batchSize counts rows. Saves the padding: worth it where"
                + " examples are short or of many lengths.")
        Boolean packing,
    @Default("false")
        @JsonPropertyDescription(
            "Takes examples of similar length together, as Hugging Face's group_by_length: less"
                + " padding, and an order that is less random.")
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
    @Default("0.0") @Min(0) @Max(1) @JsonPropertyDescription("AdamW's decoupled weight decay.")
        Double weightDecay,
    @Default("1.0")
        @Min(0)
        @Max(1000000)
        @JsonPropertyDescription("Largest global norm of the gradient; 0 switches clipping off.")
        Double maxGradNorm,
    @Default("43") @Min(0) @JsonPropertyDescription("Seed of the data order and of the adapter.")
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
    @Default("{}") @JsonPropertyDescription("The adapter. Used by mode Lora only.") Lora lora) {

  /** What is trained. */
  public enum Mode {
    Lora,
    Full
  }

  /** Learning rate schedules. */
  public enum Scheduler {
    Constant,
    Linear,
    Cosine
  }
}
