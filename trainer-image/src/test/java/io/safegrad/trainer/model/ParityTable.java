package io.safegrad.trainer.model;

import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Prints how far each family's toy is from transformers and PEFT: the largest difference of any
 * logit over the largest logit, and the same of each gradient, of which the worst tensor counts.
 */
final class ParityTable {

  private ParityTable() {}

  public static void main(String... arguments) {
    System.out.println("| toy | logits | LoRA gradients | gradients of every weight | loss | KL |");
    System.out.println("|---|---|---|---|---|---|");
    for (String family : Golden.FAMILIES) {
      Golden golden = Golden.of(family);
      double logits;
      double[] lora;
      double[] full;
      try (CausalLm model = golden.loadWithAdapter(Golden.training(Mode.Lora, 1));
          ReferenceModel reference = model.reference(golden.examples("align"))) {
        Batch batch = Batch.of(golden.examples("user").subList(0, 4));
        float[] found = model.losses().logits(batch).values();
        logits =
            difference(
                found,
                Golden.ofTokens(golden.tensors("golden.safetensors").get("logits"), batch)
                    .values());
        lora = gradients(golden, model, reference, "loss", "kl");
      }
      try (CausalLm model = golden.load(Golden.training(Mode.Full, 1));
          ReferenceModel reference = model.reference(golden.examples("align"))) {
        Golden.scaleWeights(model, 1.1f);
        full = gradients(golden, model, reference, "full_loss", "full_kl");
      }
      System.out.printf(
          Locale.ROOT,
          "| %s | %.1e | %.1e | %.1e | %.1e | %.1e |%n",
          family,
          logits,
          lora[0],
          full[0],
          Math.max(lora[1], full[1]),
          Math.max(lora[2], full[2]));
    }
  }

  /** The worst gradient's difference, and the relative differences of the two losses. */
  private static double[] gradients(
      Golden golden, CausalLm model, ReferenceModel reference, String loss, String kl) {
    List<TokenizedExample> examples = golden.examples("user").subList(0, 4);
    Batch user = Batch.of(examples);
    ReferenceModel.AlignmentBatch alignment = reference.batch(List.of(0, 1, 2, 3));
    double userTokens = user.responseTokens();
    double alignmentTokens = alignment.responseTokens();
    try (Scope scope = model.torch().scope().child()) {
      Gradient byUser = model.newGradient(scope);
      Gradient byAlignment = model.newGradient(scope);
      double userLoss = model.gradients().addUser(user, 1 / userTokens, byUser) / userTokens;
      double divergence =
          model.gradients().addAlignment(alignment, 1 / alignmentTokens, byAlignment)
              / alignmentTokens;
      return new double[] {
        Math.max(
            worst(golden, "user.", model.trained().copies(byUser)),
            worst(golden, "align.", model.trained().copies(byAlignment))),
        relative(userLoss, golden.value(loss).asDouble()),
        relative(divergence, golden.value(kl).asDouble())
      };
    }
  }

  private static double worst(Golden golden, String prefix, Map<String, FloatTensor> gradient) {
    Map<String, FloatTensor> expected = golden.tensors("golden.safetensors");
    return gradient.entrySet().stream()
        .mapToDouble(
            each ->
                difference(each.getValue().values(), expected.get(prefix + each.getKey()).values()))
        .max()
        .orElseThrow();
  }

  private static double relative(double found, double expected) {
    return Math.abs(found - expected) / Math.abs(expected);
  }

  private static double difference(float[] found, float[] expected) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(found[i] - expected[i]));
    }
    return difference / largest;
  }
}
