package io.safegrad.trainer.train;

/**
 * What one optimizer step was. A field is null where the method, or its step, has no such figure.
 *
 * @param step the step's number, from 1
 * @param totalSteps steps of the whole run
 * @param loss mean cross-entropy of the user batch's response tokens, in nats
 * @param alignmentLoss mean loss of the alignment batch's response tokens, in nats: KL to the start
 *     model (SafeGrad, WeightedSum), or cross-entropy (Lisa, Spag)
 * @param dotProduct dot product of the user's gradient and the newest alignment gradient
 * @param cosine cosine of the two gradients; 0 when one of them is zero
 * @param conflict whether the two gradients oppose each other
 * @param userGradNorm Euclidean norm of the user's gradient
 * @param alignmentGradNorm Euclidean norm of the alignment gradient
 * @param projectionWeight the factor w of the newest alignment gradient in {@code g = g_user + w
 *     g_align}
 * @param gradNorm norm of the gradient that the optimizer goes down, before clipping
 * @param learningRate the optimizer's learning rate at this step
 * @param numTokens tokens of both batches, padding not counted
 * @param seconds wall-clock seconds of the step
 * @param validationLoss mean cross-entropy of the held-back examples' response tokens, in nats,
 *     when it was measured after this step
 * @param method which method it was, and its own figures
 */
public record StepMetrics(
    int step,
    int totalSteps,
    Double loss,
    Double alignmentLoss,
    Double dotProduct,
    Double cosine,
    Boolean conflict,
    Double userGradNorm,
    Double alignmentGradNorm,
    Double projectionWeight,
    double gradNorm,
    double learningRate,
    int numTokens,
    double seconds,
    Double validationLoss,
    MethodFigures method) {}
