package io.safegrad.trainer.study;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Method.Name;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Method.ProjectionScope;

/** A method with its parameters. */
enum Variant {
  /** The model as it is, which nothing is trained of. */
  START("start model", null),
  SFT("Sft", method(Name.Sft, 0, ProjectionScope.Global, OnConflict.Project)),
  WEIGHTED_SUM(
      "WeightedSum", method(Name.WeightedSum, 1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD("SafeGrad", method(Name.SafeGrad, 1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_WEAK(
      "SafeGrad, ρ 0.1", method(Name.SafeGrad, 0.1, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_STRONG(
      "SafeGrad, ρ 10", method(Name.SafeGrad, 10, ProjectionScope.Global, OnConflict.Project)),
  SAFE_GRAD_PER_LAYER(
      "SafeGrad, PerLayer", method(Name.SafeGrad, 1, ProjectionScope.PerLayer, OnConflict.Project)),
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

  private static Method method(
      Name name, double weight, ProjectionScope scope, OnConflict onConflict) {
    return new Method(name, weight, 8, scope, 1, null, null, onConflict, null);
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
      case SAFE_GRAD_WEAK, SAFE_GRAD_STRONG, SAFE_GRAD_PER_LAYER -> SAFE_GRAD;
      default -> this;
    };
  }

  /** Optimizer steps of a run with so many on the user's examples: Lisa's others come on top. */
  int totalSteps(int ofUser) {
    return method.lisa() == null ? ofUser : method.lisa().totalSteps(ofUser);
  }
}
