package io.safegrad.trainer.train;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.trainer.surgery.GradientSurgery;

/**
 * What a method observed in one step. A field is null where the method has no such figure.
 *
 * @param userLoss mean cross-entropy of the user's response tokens, in nats
 * @param alignmentLoss mean loss of the alignment examples' response tokens, in nats
 * @param userNorm Euclidean norm of the user's gradient
 * @param alignmentNorm Euclidean norm of the alignment gradient
 * @param surgery what the two gradients were to each other
 * @param action what the method did
 * @param drift Lisa: distance from where the parameters were at the last change of turns
 * @param correction Spag: step size of the safety projection, 0 for none
 */
record StepOutcome(
    Double userLoss,
    Double alignmentLoss,
    Double userNorm,
    Double alignmentNorm,
    GradientSurgery.Observation surgery,
    MethodFigures.Action action,
    Double drift,
    Double correction) {

  /** A step on the user's examples alone. */
  static StepOutcome ofUser(double loss, double norm) {
    return new StepOutcome(loss, null, norm, null, null, MethodFigures.Action.NONE, null, null);
  }

  /** The step's figures for those who follow the run. */
  StepMetrics metrics(
      Method method,
      int step,
      int totalSteps,
      double gradNorm,
      double learningRate,
      int numTokens,
      double seconds,
      Double validationLoss) {
    boolean perLayer =
        method.name() == Method.Name.SafeGrad
            && method.projectionScope() == Method.ProjectionScope.PerLayer;
    return new StepMetrics(
        step,
        totalSteps,
        userLoss,
        alignmentLoss,
        surgery == null ? null : (Double) surgery.dotProduct(),
        surgery == null ? null : (Double) surgery.cosine(),
        surgery == null ? null : (Boolean) surgery.conflict(),
        userNorm,
        alignmentNorm,
        surgery == null ? null : surgery.weight(),
        gradNorm,
        learningRate,
        numTokens,
        seconds,
        validationLoss,
        new MethodFigures(
            method.name(), action, perLayer ? surgery.projectedGroups() : null, drift, correction));
  }
}
