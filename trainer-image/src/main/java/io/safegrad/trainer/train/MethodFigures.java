package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;

/**
 * What the method of a run did in a step. A figure is null for methods that have none such.
 *
 * @param name the method
 * @param action what it did beside learning the user's examples
 * @param projectedLayers SafeGrad with projectionScope PerLayer: layers that were projected
 * @param drift Lisa: Euclidean distance of the parameters, before the step, from where they were at
 *     the last change of turns
 * @param correction Spag: step size of the safety projection; 0 when none was needed
 */
public record MethodFigures(
    Method.Name name, Action action, Integer projectedLayers, Double drift, Double correction) {

  /** What a method does in some steps and not in others. */
  public enum Action {
    /** Nothing of that. */
    NONE,
    /** SafeGrad projected the user's gradient; Spag projected the parameters. */
    PROJECTED,
    /** Lisa's step was on the alignment examples. */
    ALIGNED
  }

  /** Figures of a method that has none of its own. */
  public static MethodFigures of(Method.Name name, Action action) {
    return new MethodFigures(name, action, null, null, null);
  }
}
