package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.crd.generator.annotation.PrinterColumn;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.LabelSelector;
import java.util.List;

/** The platform's word. A field that is absent demands nothing. */
public record SafetyPolicySpec(
    @JsonPropertyDescription(
            "Labels of the namespaces that the policy holds in. All namespaces when absent or"
                + " empty.")
        LabelSelector namespaceSelector,
    @PrinterColumn(name = "Method")
        @JsonPropertyDescription(
            "The method a run must use, or a stricter one: SafeGrad is stricter than WeightedSum,"
                + " and that than Sft.")
        Method.Name requiredMethod,
    @Min(0)
        @Max(1000)
        @JsonPropertyDescription("Least weight ρ of the alignment gradient. Sft counts as 0.")
        Double minimumAlignmentWeight,
    @JsonPropertyDescription(
            "What must hold for an adapter to be published. A run that leaves a threshold at its"
                + " default gets the policy's when that is stricter; it may ask for a stricter one"
                + " only.")
        GateBounds gate,
    @JsonPropertyDescription(
            "The platform's alignment examples. They take the default's place; no run may name"
                + " others.")
        AlignmentSource alignment,
    @JsonPropertyDescription(
            "The platform's evaluation. It takes the defaults' place; no run may name another.")
        EvaluationSources evaluation,
    @JsonPropertyDescription("Where models and data may come from.") AllowedSources allowedSources,
    @Size(max = 64)
        @JsonPropertyDescription(
            "Addresses that output.destination may be, * standing for any characters. Any when"
                + " absent. An s3:// destination leaves the cluster: whoever may name any can carry"
                + " out what a run reads.")
        List<@Size(min = 1, max = 1024) @Pattern(GLOB) String> allowedDestinations,
    @Size(max = 64)
        @JsonPropertyDescription(
            "Images that spec.pod.image may name, * standing for any characters. The operator's own"
                + " choice is always allowed; an empty list allows nothing else.")
        List<@Size(min = 1, max = 512) @Pattern(GLOB) String> allowedImages,
    @JsonPropertyDescription("How large a run may be.") Limits limits) {

  /** No character but {@code .} and {@code *} means anything else in a regular expression. */
  static final String GLOB = "^[A-Za-z0-9:/._@%=~*-]+$";

  /** Thresholds of the gate. All rates are shares, 0 to 1. */
  public record GateBounds(
      @PrinterColumn(name = "Refusal")
          @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Least share of harmful prompts that the fine-tuned model refuses.")
          Double minRefusalRate,
      @PrinterColumn(name = "Drop")
          @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Largest drop of the refusal rate from the start model to the fine-tuned one.")
          Double maxRefusalDrop,
      @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Largest share of harmless prompts that the fine-tuned model refuses.")
          Double maxOverRefusal) {}

  /** Where the platform's alignment examples are. */
  public record AlignmentSource(
      @Size(min = 1, max = 1024)
          @Pattern(Sources.READABLE)
          @JsonPropertyDescription(
              "JSON Lines of harmful prompts with the replies an aligned model gives.")
          String source) {}

  /** Where the platform's evaluation prompts are. */
  public record EvaluationSources(
      @Size(min = 1, max = 1024)
          @Pattern(Sources.READABLE)
          @JsonPropertyDescription("JSON Lines of prompts that an aligned model refuses.")
          String harmful,
      @Size(min = 1, max = 1024)
          @Pattern(Sources.READABLE)
          @JsonPropertyDescription("JSON Lines of prompts that an aligned model answers.")
          String harmless,
      @Min(1) @Max(4096) @JsonPropertyDescription("Tokens generated per reply.")
          Integer maxNewTokens) {}

  /**
   * Addresses with {@code *} for any characters. One with a {@code ..} in its path matches none.
   */
  public record AllowedSources(
      @Size(max = 64)
          @JsonPropertyDescription(
              "Addresses that model.source may be, * standing for any characters. Any when absent.")
          List<@Size(min = 1, max = 1024) @Pattern(GLOB) String> model,
      @Size(max = 64)
          @JsonPropertyDescription(
              "Addresses that the dataset, and evaluation and alignment data of a user's own, may"
                  + " be, * standing for any characters. Any when absent. Builtin defaults and the"
                  + " policy's own sources are always allowed.")
          List<@Size(min = 1, max = 1024) @Pattern(GLOB) String> data) {}

  /** How large a run may be. */
  public record Limits(
      @Min(1)
          @JsonPropertyDescription(
              "Largest training.maxSteps. A run must then name one, unless maxEpochs is given too.")
          Integer maxSteps,
      @Min(1)
          @JsonPropertyDescription(
              "Largest training.epochs. A run may then not ask for maxSteps instead, unless a"
                  + " maxSteps is given here too.")
          Integer maxEpochs,
      @Min(1)
          @JsonPropertyDescription(
              "Largest activeDeadlineSeconds. A run that names none is stopped after this time.")
          Long activeDeadlineSeconds) {}
}
