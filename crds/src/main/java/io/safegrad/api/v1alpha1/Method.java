package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** How a fine-tune learns the user's data and keeps the model's alignment. */
// The API server also checks the default {}, which has no name yet.
@ValidationRule(
    value =
        "!has(self.projectionScope) || self.projectionScope == 'Global' || self.name == 'SafeGrad'",
    message = Method.PROJECTION_SCOPE_MESSAGE)
@ValidationRule(
    value =
        "!has(self.alignmentRefreshSteps) || self.alignmentRefreshSteps == 1"
            + " || self.name in ['SafeGrad', 'WeightedSum']",
    message = Method.REFRESH_MESSAGE)
@ValidationRule(
    value =
        "!has(self.alignmentHistorySize) || self.alignmentHistorySize == 0"
            + " || self.name == 'SafeGrad'",
    message = Method.HISTORY_MESSAGE)
@ValidationRule(
    value =
        "!has(self.onConflict) || self.onConflict == 'Project'"
            + " || self.name in ['SafeGrad', 'WeightedSum']",
    message = Method.ON_CONFLICT_MESSAGE)
@ValidationRule(value = "!has(self.lisa) || self.name == 'Lisa'", message = Method.LISA_MESSAGE)
@ValidationRule(value = "!has(self.spag) || self.name == 'Spag'", message = Method.SPAG_MESSAGE)
@ValidationRule(
    value = "!has(self.name) || has(self.safeLora) == (self.name == 'SafeLora')",
    message = Method.SAFE_LORA_MESSAGE)
public record Method(
    @Default("SafeGrad")
        @JsonPropertyDescription(
            "SafeGrad: on conflict the user's gradient is projected off the alignment gradient, and"
                + " the weighted alignment gradient is added (arXiv 2508.07172). WeightedSum: the"
                + " same without the projection. Sft: plain supervised fine-tuning, no alignment"
                + " gradient. Lisa: steps on the alignment examples and steps on the user's take"
                + " turns, each with a proximal term (arXiv 2405.18641). Spag: after each step on"
                + " the user's examples, a step back to where the loss on the alignment examples is"
                + " at most a threshold (arXiv 2605.28030). SafeLora: plain"
                + " supervised fine-tuning of an adapter, which is then projected, where it leaves"
                + " the subspace that the model was aligned in (arXiv 2405.16833).")
        Name name,
    @Default("1.0")
        @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "The weight ρ of the alignment gradient. For SafeGrad and WeightedSum.")
        Double alignmentWeight,
    @Default("4")
        @Min(1)
        @Max(4096)
        @JsonPropertyDescription(
            "Alignment examples per micro-batch. Not used by Sft and SafeLora.")
        Integer alignmentBatchSize,
    @Default("Global")
        @JsonPropertyDescription(
            "What SafeGrad projects as one vector. Global, as in the paper: all that is trained."
                + " PerLayer: each decoder layer for itself, and all that is in none as one.")
        ProjectionScope projectionScope,
    @Default("1")
        @Min(1)
        @Max(1000)
        @JsonPropertyDescription(
            "Steps that SafeGrad and WeightedSum use one alignment gradient for. More than 1 saves"
                + " time and protects less: the gradient is not that of the model as it is now.")
        Integer alignmentRefreshSteps,
    @Default("0")
        @Min(0)
        @Max(32)
        @JsonPropertyDescription(
            "Earlier alignment gradients that SafeGrad projects the user's gradient off before it"
                + " does so off the newest. 0, as in the paper: none. Each needs the memory of one"
                + " more gradient.")
        Integer alignmentHistorySize,
    @JsonPropertyDescription("For name: Lisa. Its defaults hold when absent.") Lisa lisa,
    @JsonPropertyDescription("For name: Spag. Its defaults hold when absent.") Spag spag,
    @Default("Project")
        @JsonPropertyDescription(
            "What is done about examples whose conflict with the alignment stands apart from all"
                + " others', as attribution finds after half of the steps. Project: nothing beyond"
                + " the method. Drop: the other half is trained without them. Stop: the run ends"
                + " with BadData and names their lines. For SafeGrad and WeightedSum.")
        OnConflict onConflict,
    @JsonPropertyDescription("For name: SafeLora, and required there.") SafeLora safeLora) {

  public static final String PROJECTION_SCOPE_MESSAGE = "projectionScope is for name: SafeGrad";
  public static final String REFRESH_MESSAGE =
      "alignmentRefreshSteps is for name: SafeGrad and name: WeightedSum";
  public static final String HISTORY_MESSAGE = "alignmentHistorySize is for name: SafeGrad";
  public static final String ON_CONFLICT_MESSAGE =
      "onConflict: Drop and Stop are for name: SafeGrad and name: WeightedSum";
  public static final String LISA_MESSAGE = "lisa is for name: Lisa";
  public static final String SPAG_MESSAGE = "spag is for name: Spag";
  public static final String SAFE_LORA_MESSAGE =
      "safeLora, with its baseModel, is for name: SafeLora, and required there";

  /** A method whose other parameters are at their defaults. */
  public Method(Name name, Double alignmentWeight, Integer alignmentBatchSize) {
    this(name, alignmentWeight, alignmentBatchSize, ProjectionScope.Global, 1, null, null);
  }

  /** A method that leaves no example out, and none that projects after training. */
  public Method(
      Name name,
      Double alignmentWeight,
      Integer alignmentBatchSize,
      ProjectionScope projectionScope,
      Integer alignmentRefreshSteps,
      Lisa lisa,
      Spag spag) {
    this(
        name,
        alignmentWeight,
        alignmentBatchSize,
        projectionScope,
        alignmentRefreshSteps,
        0,
        lisa,
        spag,
        OnConflict.Project,
        null);
  }

  /** What is done about examples that attribution condemns. */
  public enum OnConflict {
    Project,
    Drop,
    Stop
  }

  /** The methods. */
  public enum Name {
    SafeGrad,
    WeightedSum,
    Sft,
    Lisa,
    Spag,
    SafeLora;

    /** Whether the method reads the alignment set. */
    public boolean readsAlignmentSet() {
      return this != Sft && this != SafeLora;
    }

    /** Whether the method adds the alignment gradient times ρ to each step. */
    public boolean hasAlignmentWeight() {
      return this == SafeGrad || this == WeightedSum;
    }
  }

  /** What is projected as one vector. */
  public enum ProjectionScope {
    Global,
    PerLayer
  }

  /** The parameters of Lisa. */
  public record Lisa(
      @Default("10")
          @Min(1)
          @Max(1000000)
          @JsonPropertyDescription(
              "Optimizer steps on the alignment examples, after which it is the user's turn.")
          Integer alignmentSteps,
      @Default("90")
          @Min(1)
          @Max(1000000)
          @JsonPropertyDescription(
              "Optimizer steps on the user's examples, after which it is the alignment's turn.")
          Integer userSteps,
      @Default("1.0")
          @Min(0)
          @Max(1000000)
          @JsonPropertyDescription(
              "The intensity ρ of the proximal term: ρ/2 times the squared distance from where the"
                  + " parameters were at the last change of turns.")
          Double proximalWeight) {

    static final Lisa DEFAULT = new Lisa(10, 90, 1.0);

    /** How many steps it takes to do so many on the user's examples. */
    public int totalSteps(int ofUser) {
      int turns = (ofUser + userSteps - 1) / userSteps;
      return Math.addExact(ofUser, Math.multiplyExact(turns, alignmentSteps));
    }
  }

  /** The parameters of Spag. */
  public record Spag(
      @Default("0.2")
          @Min(0)
          @Max(1000)
          @JsonPropertyDescription(
              "The threshold τ of the safety loss: mean cross-entropy of the alignment examples'"
                  + " responses, in nats.")
          Double threshold,
      @Default("1.0")
          @Min(0)
          @Max(1000000)
          @JsonPropertyDescription("The largest step size η of a safety projection.")
          Double maxStepSize) {

    static final Spag DEFAULT = new Spag(0.2, 1.0);
  }

  /** The parameters of Safe LoRA. */
  public record SafeLora(
      @Required
          @JsonPropertyDescription(
              "The model that model.source was aligned from, for example the base model of a chat"
                  + " model: what the two differ in spans the alignment subspace.")
          BaseModel baseModel,
      @Default("0.5")
          @Min(-1)
          @Max(1)
          @JsonPropertyDescription(
              "A linear layer's update is projected when its cosine with its own projection is"
                  + " below this.")
          Double threshold) {}

  /** A model of the same architecture. */
  @ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
  @ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
  public record BaseModel(
      @Required
          @Size(min = 1, max = 1024)
          @Pattern(Sources.MODEL)
          @JsonPropertyDescription("Any model that model.source may be.")
          String source,
      @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
          String revision,
      @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest) {}

  /** The same with the parameters that it runs with, where they were left out. */
  public Method resolved() {
    return new Method(
        name,
        alignmentWeight,
        alignmentBatchSize,
        projectionScope,
        alignmentRefreshSteps,
        alignmentHistorySize == null ? 0 : alignmentHistorySize,
        name == Name.Lisa && lisa == null ? Lisa.DEFAULT : lisa,
        name == Name.Spag && spag == null ? Spag.DEFAULT : spag,
        onConflict == null ? OnConflict.Project : onConflict,
        safeLora);
  }
}
