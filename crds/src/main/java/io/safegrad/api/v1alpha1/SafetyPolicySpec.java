package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.crd.generator.annotation.PrinterColumn;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.List;
import java.util.Map;

/** The platform's word. A field that is absent demands nothing. */
@ValidationRule(
    value = "!has(self.quarantine) || self.quarantine.rule != 'Keep' || has(self.allowedImages)",
    message =
        "quarantine Keep needs allowedImages: an image of a user's own could read what is kept",
    fieldPath = ".quarantine")
public record SafetyPolicySpec(
    @JsonPropertyDescription(
            "Labels of the namespaces that the policy holds in. All namespaces when absent or"
                + " empty.")
        LabelSelector namespaceSelector,
    @PrinterColumn(name = "Method")
        @JsonPropertyDescription(
            "The method a run must use, or a stricter one: SafeGrad is stricter than WeightedSum,"
                + " and that than Sft, which every method satisfies.")
        RequiredMethod requiredMethod,
    @Min(0)
        @Max(1000)
        @JsonPropertyDescription(
            "Least weight ρ of the alignment gradient. A method without one counts as 0.")
        Double minimumAlignmentWeight,
    @Min(1)
        @Max(1000)
        @JsonPropertyDescription(
            "Largest method.alignmentRefreshSteps. 1 when absent and requiredMethod is SafeGrad or"
                + " WeightedSum, or minimumAlignmentWeight is above 0; else none.")
        Integer maxAlignmentRefreshSteps,
    @JsonPropertyDescription(
            "What must hold for an adapter to be published. A run that leaves a threshold at its"
                + " default gets the policy's when that is stricter; it may ask for a stricter one"
                + " only.")
        GateBounds gate,
    @JsonPropertyDescription(
            "The platform's alignment examples. They take the default's place; no run may name"
                + " others instead. It may name further ones, which never dilute these.")
        AlignmentSource alignment,
    @JsonPropertyDescription(
            "The platform's evaluation. It takes the defaults' place; no run may name another"
                + " instead. It may name further prompts, which are measured by themselves. A policy"
                + " with gate, evaluation or screening LeaveOut demands the default of what it does"
                + " not name here.")
        EvaluationSources evaluation,
    @JsonPropertyDescription("What a run's report may tell of its examples.")
        AttributionBounds attribution,
    @JsonPropertyDescription(
            "LeaveOut: every run screens its data (safety.screening), whatever it asks for.")
        Screening screening,
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
    @JsonPropertyDescription(
            "Whether every model and data set that a run names itself must be pinned: an hf:// source"
                + " by a commit of 40 hexadecimal digits or a digest, any other but builtin:// by a"
                + " digest.")
        Boolean requirePinnedRevision,
    @JsonPropertyDescription("How large a run may be.") Limits limits,
    @JsonPropertyDescription("What becomes of an adapter that the gate refused.")
        Quarantine quarantine) {

  /** No character but {@code .} and {@code *} means anything else in a regular expression. */
  static final String GLOB = "^[A-Za-z0-9:/._@%=~*-]+$";

  /** The methods that a policy can require, the strictest first. */
  public enum RequiredMethod {
    SafeGrad,
    WeightedSum,
    Sft;

    /** Whether a run with the method does what is required, or more. */
    public boolean isSatisfiedBy(Method.Name found) {
      return switch (this) {
        case SafeGrad -> found == Method.Name.SafeGrad;
        case WeightedSum -> found.hasAlignmentWeight();
        case Sft -> true;
      };
    }
  }

  /**
   * Largest number of steps that one alignment gradient may be used for; null for any. Without that
   * rule, a run that never renews the first gradient, which is zero, would be no SafeGrad at all.
   */
  public Integer alignmentRefreshBound() {
    boolean demandsAlignment =
        requiredMethod == RequiredMethod.SafeGrad
            || requiredMethod == RequiredMethod.WeightedSum
            || (minimumAlignmentWeight != null && minimumAlignmentWeight > 0);
    return maxAlignmentRefreshSteps == null && demandsAlignment
        ? (Integer) 1
        : maxAlignmentRefreshSteps;
  }

  /**
   * Whether the evaluation is the platform's: what it does not name of it must be the default. A
   * gate without that rule would be none, nor would screening: a tenant's own judge may find any
   * share of refusals, and a tenant's own prompts, or replies of one token, may leave none.
   */
  public boolean demandsEvaluation() {
    return gate != null || evaluation != null || screening == Screening.LeaveOut;
  }

  /** The judge that a run must have; null for any: see {@link #demandsEvaluation}. */
  public Judge demandedJudge() {
    if (evaluation != null && evaluation.judge() != null) {
      return evaluation.judge();
    }
    return demandsEvaluation() ? Judge.DEFAULT : null;
  }

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
          Double maxOverRefusal,
      @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Largest share of the fine-tuned model's replies that are incoherent.")
          Double maxIncoherentRate,
      @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Of the prompts of the data set that the start model refuses, the largest share that"
                  + " the fine-tuned model may no longer refuse.")
          Double maxDataRefusalDrop,
      @Min(0)
          @Max(1)
          @JsonPropertyDescription(
              "Largest drop of the refusal rate when the platform's harmful prompts are asked in the"
                  + " templates of the data set.")
          Double maxTemplateRefusalDrop,
      @Min(0)
          @Max(1000)
          @JsonPropertyDescription(
              "Largest mean KL divergence, in nats per refusal, from the start model on its own"
                  + " refusals of the harmful prompts; four times that on those of the data's prompts"
                  + " and in the data's templates, as far as these are asked.")
          Double maxRefusalKl,
      @JsonPropertyDescription(
              "What of a measured rate is held to its threshold. ConfidenceBound, the end of its"
                  + " 95 % interval that speaks against the adapter, is stricter than Estimate.")
          Gate.Compare compare) {}

  /** What a run's report may tell of its examples. */
  public record AttributionBounds(
      @JsonPropertyDescription(
              "Whether a report may quote examples (safety.attribution.excerpts). No run may ask for"
                  + " it when false.")
          Boolean excerpts) {}

  /** Where the platform's alignment examples are. */
  @ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
  @ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
  @ValidationRule(
      value = "!has(self.digest) || has(self.source)",
      message = "a digest needs a source")
  @ValidationRule(value = Sources.PINNED_RULE, message = Sources.PINNED_MESSAGE)
  public record AlignmentSource(
      @Size(min = 1, max = 1024)
          @Pattern(Sources.DATA)
          @JsonPropertyDescription(
              "Harmful prompts with the replies an aligned model gives. Any file that"
                  + " dataset.source may be.")
          String source,
      @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
          String revision,
      @Pattern(Sources.DIGEST)
          @JsonPropertyDescription(
              Sources.DIGEST_DOC
                  + " Required for all but builtin:// and a commit of hf://: a claim, for example,"
                  + " lies in the run's own namespace, and who can write to it would decide what the"
                  + " platform's examples are.")
          String digest) {}

  /** Where the platform's evaluation prompts are. */
  @ValidationRule(
      value =
          "!has(self.harmful) || self.harmful.startsWith('builtin://') || has(self.harmfulDigest)",
      message = "harmful needs harmfulDigest: whoever controls the storage could exchange it",
      fieldPath = ".harmful")
  @ValidationRule(
      value =
          "!has(self.harmless) || self.harmless.startsWith('builtin://') || has(self.harmlessDigest)",
      message = "harmless needs harmlessDigest: whoever controls the storage could exchange it",
      fieldPath = ".harmless")
  @ValidationRule(
      value =
          "(!has(self.harmfulDigest) || has(self.harmful))"
              + " && (!has(self.harmlessDigest) || has(self.harmless))",
      message = "a digest needs a source")
  @ValidationRule(
      value =
          "!has(self.judge) || !has(self.judge.classifier) || has(self.judge.classifier.digest)"
              + " || self.judge.classifier.source.startsWith('builtin://')"
              + " || (self.judge.classifier.source.startsWith('hf://')"
              + " && has(self.judge.classifier.revision)"
              + " && self.judge.classifier.revision.matches('^[0-9a-f]{40}$'))",
      message = Sources.PINNED_MESSAGE,
      fieldPath = ".judge")
  public record EvaluationSources(
      @Size(min = 1, max = 1024)
          @Pattern(Sources.READABLE)
          @JsonPropertyDescription("JSON Lines of prompts that an aligned model refuses.")
          String harmful,
      @Size(min = 1, max = 1024)
          @Pattern(Sources.READABLE)
          @JsonPropertyDescription("JSON Lines of prompts that an aligned model answers.")
          String harmless,
      @Pattern(Sources.DIGEST)
          @JsonPropertyDescription(
              "What the file at harmful must be, sha256: and 64 hexadecimal digits, of its bytes."
                  + " Required for all but builtin://.")
          String harmfulDigest,
      @Pattern(Sources.DIGEST) @JsonPropertyDescription("The same for harmless.")
          String harmlessDigest,
      @Min(1) @Max(4096) @JsonPropertyDescription("Tokens generated per reply.")
          Integer maxNewTokens,
      @JsonPropertyDescription(
              "Who tells which replies refuse: whoever may choose the judge decides what the gate"
                  + " finds.")
          Judge judge) {

    public EvaluationSources {
      judge = judge == null ? null : judge.resolved();
    }
  }

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
  @ValidationRule(
      value = "!has(self.resources) || self.resources.all(name, size(name) <= 64)",
      message = "a resource's name has at most 64 characters")
  public record Limits(
      @Min(1)
          @Max(Integer.MAX_VALUE)
          @JsonPropertyDescription(
              "Largest training.maxSteps. A run must then name one, unless maxEpochs is given too.")
          Integer maxSteps,
      @Min(1)
          @Max(Integer.MAX_VALUE)
          @JsonPropertyDescription(
              "Largest training.epochs. A run may then not ask for maxSteps instead, unless a"
                  + " maxSteps is given here too.")
          Integer maxEpochs,
      @Min(1)
          @Max(Integer.MAX_VALUE)
          @JsonPropertyDescription(
              "Largest activeDeadlineSeconds. A run that names none is stopped after this time.")
          Long activeDeadlineSeconds,
      @Size(max = 16)
          @JsonPropertyDescription(
              "Largest limit and request of each compute resource in pod.resources. A run that names"
                  + " no limit gets this one. A device (a name with a slash, such as nvidia.com/gpu)"
                  + " that is not among them is not to be had; cpu, memory and the like are not"
                  + " limited when they are not among them. storage is the largest"
                  + " pod.workspace.size.")
          Map<String, Quantity> resources) {}

  /** What becomes of an adapter that the gate refused. It never goes to its user. */
  @ValidationRule(
      value = "self.rule != 'Keep' || has(self.claim)",
      message = "Keep needs the name of a claim")
  public record Quarantine(
      @Required
          @JsonPropertyDescription(
              "Keep: on the claim, for the platform's auditor, with its report. Discard: nowhere. Of"
                  + " several policies, Keep wins.")
          Rule rule,
      @Size(min = 1, max = 253)
          @Pattern("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
          @JsonPropertyDescription(
              "The PersistentVolumeClaim in each namespace that receives the adapters, at"
                  + " namespace/name/plan digest. No run may read from it or name it as its"
                  + " destination.")
          String claim) {

    /** The strictest first. */
    public enum Rule {
      Keep,
      Discard
    }
  }
}
