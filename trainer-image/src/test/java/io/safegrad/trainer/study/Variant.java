package io.safegrad.trainer.study;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Lora.TargetModule;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Method.Name;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Method.ProjectionScope;
import io.safegrad.trainer.train.ChangedSafeGrad.Change;
import java.util.List;
import java.util.Optional;

/** A method with its parameters. */
enum Variant {
  /** The model as it is, which nothing is trained of. */
  START("start model", (Method) null),
  SFT("Sft", method(Name.Sft, 0, ProjectionScope.Global, OnConflict.Project)),
  /** What a user gets who looks at the task alone: the measure of how well it can be learned. */
  SFT_FOR_TASK("Sft, tuned for the task", SFT),
  WEIGHTED_SUM(
      "WeightedSum", method(Name.WeightedSum, 1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD("SafeGrad", method(Name.SafeGrad, 1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_WEAK(
      "SafeGrad, ρ 0.1", method(Name.SafeGrad, 0.1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_STRONG(
      "SafeGrad, ρ 10", method(Name.SafeGrad, 10, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_PER_LAYER(
      "SafeGrad, PerLayer", method(Name.SafeGrad, 1, ProjectionScope.PerLayer, OnConflict.Project)),
  SAFE_GRAD_MOMENTUM("SafeGrad, averaged g_align", SAFE_GRAD),
  SAFE_GRAD_RECENT(
      "SafeGrad, last 8 g_align",
      new Method(
          Name.SafeGrad,
          1.0,
          8,
          ProjectionScope.Global,
          1,
          8,
          null,
          null,
          OnConflict.Project,
          null)),
  SAFE_GRAD_UPDATE("SafeGrad, projected update", SAFE_GRAD),
  SAFE_GRAD_CONTROLLER("SafeGrad, ρ controlled", SAFE_GRAD),
  SAFE_GRAD_PROMPT_KL("SafeGrad, KL on prompts too", SAFE_GRAD),
  SAFE_GRAD_SPAG("SafeGrad, Spag's steps too", SAFE_GRAD),
  SAFE_GRAD_SAMPLING("SafeGrad, sampled by KL", SAFE_GRAD),
  SAFE_GRAD_LOW_RANK("SafeGrad, r 2", SAFE_GRAD),
  SAFE_GRAD_TWO_LINEARS("SafeGrad, q and v, r 4", SAFE_GRAD),
  /** What the start model refuses is left out of the user's data. */
  SFT_SCREEN("Sft, screened", SFT),
  /** The same, and its prompts are alignment examples of the user's own. */
  WEIGHTED_SUM_SCREEN("WeightedSum, screened", WEIGHTED_SUM),
  SAFE_GRAD_SCREEN("SafeGrad, screened", SAFE_GRAD),
  SAFE_GRAD_DROP(
      "SafeGrad, Drop", method(Name.SafeGrad, 1, ProjectionScope.Global, OnConflict.Drop)),
  LISA(
      "Lisa",
      new Method(
          Name.Lisa,
          0.0,
          8,
          ProjectionScope.Global,
          1,
          0,
          new Method.Lisa(2, 18, 1.0),
          null,
          OnConflict.Project,
          null)),
  SPAG(
      "Spag",
      new Method(
          Name.Spag,
          0.0,
          8,
          ProjectionScope.Global,
          1,
          0,
          null,
          new Method.Spag(0.2, 1.0),
          OnConflict.Project,
          null)),
  SAFE_LORA(
      "SafeLora",
      new Method(
          Name.SafeLora,
          0.0,
          8,
          ProjectionScope.Global,
          1,
          0,
          null,
          null,
          OnConflict.Project,
          new Method.SafeLora(null, 0.5)));

  private final String label;
  private final Method method;

  Variant(String label, Method method) {
    this.label = label;
    this.method = method;
  }

  Variant(String label, Variant changed) {
    this(label, changed.method);
  }

  private static Method method(
      Name name, double weight, ProjectionScope scope, OnConflict onConflict) {
    return new Method(name, weight, 8, scope, 1, 0, null, null, onConflict, null);
  }

  /** What the tables call it. */
  String label() {
    return label;
  }

  /** Null for the start model. */
  Method method() {
    return method;
  }

  /** The variant whose learning rate it takes. */
  Variant tunedAs() {
    return switch (this) {
      case SAFE_GRAD_WEAK,
          SAFE_GRAD_STRONG,
          SAFE_GRAD_PER_LAYER,
          SAFE_GRAD_MOMENTUM,
          SAFE_GRAD_RECENT,
          SAFE_GRAD_UPDATE,
          SAFE_GRAD_CONTROLLER,
          SAFE_GRAD_PROMPT_KL,
          SAFE_GRAD_SPAG,
          SAFE_GRAD_SAMPLING,
          SAFE_GRAD_LOW_RANK,
          SAFE_GRAD_TWO_LINEARS,
          SAFE_GRAD_SCREEN ->
          SAFE_GRAD;
      case SFT_SCREEN, SFT_FOR_TASK -> SFT;
      case WEIGHTED_SUM_SCREEN -> WEIGHTED_SUM;
      default -> this;
    };
  }

  /** What is changed of SafeGrad's steps. */
  Optional<Change> change() {
    return Optional.ofNullable(
        switch (this) {
          case SAFE_GRAD_MOMENTUM -> Change.MOMENTUM;
          case SAFE_GRAD_UPDATE -> Change.UPDATE;
          case SAFE_GRAD_CONTROLLER -> Change.CONTROLLER;
          case SAFE_GRAD_SPAG -> Change.SPAG_STEPS;
          case SAFE_GRAD_SAMPLING -> Change.SAMPLING;
          default -> null;
        });
  }

  /** What is trained. */
  Lora lora() {
    return switch (this) {
      case SAFE_GRAD_LOW_RANK -> new Lora(2, 4, List.of(TargetModule.values()));
      case SAFE_GRAD_TWO_LINEARS ->
          new Lora(4, 8, List.of(TargetModule.q_proj, TargetModule.v_proj));
      default -> new Lora(8, 16, List.of(TargetModule.values()));
    };
  }

  /** Whether examples whose prompts the start model refuses are left out. */
  boolean screens() {
    return this == SFT_SCREEN || alignsByScreened();
  }

  /** Whether their prompts keep the alignment instead. */
  boolean alignsByScreened() {
    return this == WEIGHTED_SUM_SCREEN || this == SAFE_GRAD_SCREEN;
  }

  /** Optimizer steps of a run with so many on the user's examples: Lisa's others come on top. */
  int totalSteps(int ofUser) {
    return method.lisa() == null ? ofUser : method.lisa().totalSteps(ofUser);
  }
}
