package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The model against transformers and PEFT; the golden values come from make_golden.py. */
class ParityTest {

  private static final List<Integer> FIRST_FOUR = List.of(0, 1, 2, 3);

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void logitsAreThoseOfTransformers(String family) {
    Golden golden = Golden.of(family);
    Batch batch = Batch.of(golden.examples("user").subList(0, 4));
    try (CausalLm model = golden.loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      FloatTensor logits = model.losses().logits(batch);
      FloatTensor expected =
          Golden.ofTokens(golden.tensors("golden.safetensors").get("logits"), batch);
      assertThat(logits.shape()).isEqualTo(expected.shape());
      assertThat(largestDifference(logits.values(), expected.values()))
          .isLessThan(1e-4f * largest(expected.values()));
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void adapterGradientsAreThoseOfPeft(String family) {
    Golden golden = Golden.of(family);
    try (CausalLm model = golden.loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      try (ReferenceModel reference = model.reference(golden.examples("align"))) {
        assertGradients(model, golden, reference, "loss", "kl");
      }
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void gradientsOfEveryWeightAreThoseOfTransformers(String family) {
    Golden golden = Golden.of(family);
    try (CausalLm model = golden.load(Golden.training(Mode.Full, 1))) {
      try (ReferenceModel reference = model.reference(golden.examples("align"))) {
        Golden.scaleWeights(model, 1.1f);
        assertGradients(model, golden, reference, "full_loss", "full_kl");
      }
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void greedyRepliesAreThoseOfTransformers(String family) {
    Golden golden = Golden.of(family);
    List<JsonNode> greedy =
        IntStream.range(0, golden.value("greedy").size())
            .mapToObj(golden.value("greedy")::get)
            .toList();
    List<int[]> prompts = greedy.stream().map(each -> Golden.ids(each.get("prompt"))).toList();
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      List<int[]> replies = model.generate(prompts, 16, Set.of());
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(replies.get(i)).isEqualTo(Golden.ids(greedy.get(i).get("reply")));
      }
    }
  }

  private static void assertGradients(
      CausalLm model, Golden golden, ReferenceModel reference, String loss, String kl) {
    Batch user = Batch.of(golden.examples("user").subList(0, 4));
    ReferenceModel.AlignmentBatch alignment = reference.batch(FIRST_FOUR);
    double userTokens = responseTokens(golden.examples("user").subList(0, 4));
    double alignmentTokens = alignment.responseTokens();
    try (Scope scope = model.torch().scope().child()) {
      Gradient userGradient = model.newGradient(scope);
      Gradient alignmentGradient = model.newGradient(scope);
      double userLoss = model.gradients().addUser(user, 1 / userTokens, userGradient) / userTokens;
      double divergence =
          model.gradients().addAlignment(alignment, 1 / alignmentTokens, alignmentGradient)
              / alignmentTokens;
      assertThat(userLoss).isCloseTo(golden.value(loss).asDouble(), within(1e-4));
      assertThat(divergence)
          .isCloseTo(golden.value(kl).asDouble(), within(1e-4 * golden.value(kl).asDouble()));
      assertGradient(golden, "user.", model.trained().copies(userGradient));
      assertGradient(golden, "align.", model.trained().copies(alignmentGradient));
    }
  }

  private static void assertGradient(
      Golden golden, String prefix, Map<String, FloatTensor> gradient) {
    Map<String, FloatTensor> expected = golden.tensors("golden.safetensors");
    assertThat(gradient).isNotEmpty();
    gradient.forEach(
        (name, found) -> {
          FloatTensor wanted = expected.get(prefix + name);
          assertThat(found.shape()).as(name).isEqualTo(wanted.shape());
          assertThat(largestDifference(found.values(), wanted.values()))
              .as(prefix + name)
              .isLessThan(1e-4f * largest(wanted.values()));
        });
  }

  private static double responseTokens(List<TokenizedExample> examples) {
    return Objective.labelled(Batch.of(examples)).length;
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private static float largestDifference(float[] a, float[] b) {
    float largest = 0;
    for (int i = 0; i < a.length; i++) {
      float difference = Math.abs(a[i] - b[i]);
      largest = Float.isNaN(difference) ? Float.MAX_VALUE : Math.max(largest, difference);
    }
    return largest;
  }
}
