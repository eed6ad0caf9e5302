package io.safegrad.trainer.train;

/**
 * What one optimizer step was. Fields of the alignment objective are null for the method Sft.
 *
 * @param step the step's number, from 1
 * @param totalSteps steps of the whole run
 * @param loss mean cross-entropy of the user batch's response tokens, in nats
 * @param alignmentLoss mean KL of the alignment batch's response tokens to the start model, in nats
 * @param dotProduct dot product of the two gradients
 * @param cosine cosine of the two gradients; 0 when one of them is zero
 * @param conflict whether the user's gradient was projected, or would have been (WeightedSum)
 * @param userGradNorm Euclidean norm of the user's gradient
 * @param alignmentGradNorm Euclidean norm of the alignment gradient
 * @param projectionWeight the factor w of the alignment gradient in {@code g = g_user + w g_align}
 * @param gradNorm norm of the combined gradient, before clipping
 * @param learningRate the optimizer's learning rate at this step
 * @param numTokens tokens of both batches, padding not counted
 * @param seconds wall-clock seconds of the step
 */
public record StepMetrics(
    int step,
    int totalSteps,
    double loss,
    Double alignmentLoss,
    Double dotProduct,
    Double cosine,
    Boolean conflict,
    double userGradNorm,
    Double alignmentGradNorm,
    Double projectionWeight,
    double gradNorm,
    double learningRate,
    int numTokens,
    double seconds) {}
