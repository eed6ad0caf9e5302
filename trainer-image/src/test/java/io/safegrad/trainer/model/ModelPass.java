package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.List;
import java.util.Map;

/**
 * What one pass through a toy gives, in some way of computing.
 *
 * @param logits of the user's examples
 * @param loss the mean cross-entropy of their labelled tokens
 * @param ownDivergence the start model's mean divergence from itself, which is 0 or rounding
 * @param divergence the mean divergence of a model that has moved from where it started
 * @param user the gradient of the loss by the name of what is trained
 * @param alignment the divergence's
 */
record ModelPass(
    float[] logits,
    double loss,
    double ownDivergence,
    double divergence,
    Map<String, FloatTensor> user,
    Map<String, FloatTensor> alignment) {

  /** A family's toy, its golden adapter on it, or with every weight trained and a tenth larger. */
  static ModelPass of(String family, Mode mode, Compute compute) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(mode, 1);
    Batch user = Batch.of(golden.examples("user"));
    try (CausalLm start = golden.load(training, compute);
        ReferenceModel reference = start.reference(golden.examples("align"));
        CausalLm model = moved(golden, training, compute);
        Scope scope = model.torch().scope().child()) {
      AlignmentBatch alignment = reference.batch(List.of(0, 1, 2));
      double alignmentTokens = alignment.responseTokens();
      double ownDivergence = start.losses().klDivergence(alignment) / alignmentTokens;
      Gradient byUser = model.newGradient(scope);
      Gradient byAlignment = model.newGradient(scope);
      double tokens = user.responseTokens();
      double loss = model.gradients().addUser(user, 1 / tokens, byUser) / tokens;
      try (ReferenceModel own = model.reference(golden.examples("align"), start)) {
        double divergence =
            model
                    .gradients()
                    .addAlignment(own.batch(List.of(0, 1, 2)), 1 / alignmentTokens, byAlignment)
                / alignmentTokens;
        return new ModelPass(
            model.losses().logits(user).values(),
            loss,
            ownDivergence,
            divergence,
            model.trained().copies(byUser),
            model.trained().copies(byAlignment));
      }
    }
  }

  private static CausalLm moved(Golden golden, Training training, Compute compute) {
    if (training.mode() == Mode.Lora) {
      return golden.loadWithAdapter(training, compute);
    }
    CausalLm model = golden.load(training, compute);
    Golden.scaleWeights(model, 1.1f);
    return model;
  }

  static float[] joined(Map<String, FloatTensor> tensors) {
    int size = tensors.values().stream().mapToInt(tensor -> tensor.values().length).sum();
    float[] all = new float[size];
    int first = 0;
    for (FloatTensor tensor : tensors.values()) {
      System.arraycopy(tensor.values(), 0, all, first, tensor.values().length);
      first += tensor.values().length;
    }
    return all;
  }

  /** ‖found − expected‖ / ‖expected‖. */
  static double distance(float[] found, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < found.length; i++) {
      difference += Math.pow((double) found[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }
}
