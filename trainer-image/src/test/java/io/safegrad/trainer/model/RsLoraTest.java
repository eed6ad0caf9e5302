package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.weights.FloatTensor;
import io.safegrad.trainer.weights.SafetensorsFile;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rank-stabilised LoRA against PEFT; the golden values come from make_training_golden.py. */
class RsLoraTest {

  private final Golden golden = Golden.of("llama");
  private final Map<String, FloatTensor> expected =
      SafetensorsFile.read(Golden.resource("rslora.safetensors"));

  @Test
  void logitsAndGradientsAreThoseOfPeft() {
    Batch batch = Batch.of(golden.examples("user").subList(0, 4));
    try (CausalLm model = golden.loadWithAdapter(Golden.rankStabilised());
        Scope scope = model.torch().scope().child()) {
      assertClose(
          model.losses().logits(batch), Golden.ofTokens(expected.get("logits"), batch), 1e-4f);

      Gradient gradient = model.newGradient(scope);
      double tokens = Objective.labelled(batch).length;
      model.gradients().addUser(batch, 1 / tokens, gradient);
      Map<String, FloatTensor> found = model.trained().copies(gradient);
      assertThat(found).hasSize(expected.size() - 1);
      found.forEach((name, tensor) -> assertClose(tensor, expected.get("user." + name), 1e-4f));
    }
  }

  private static void assertClose(FloatTensor found, FloatTensor wanted, float tolerance) {
    assertThat(found.shape()).isEqualTo(wanted.shape());
    float[] values = found.values();
    double largest =
        IntStream.range(0, values.length)
            .mapToDouble(i -> Math.abs(wanted.values()[i]))
            .max()
            .orElse(0);
    for (int i = 0; i < values.length; i++) {
      assertThat((double) Math.abs(values[i] - wanted.values()[i]))
          .isLessThanOrEqualTo(tolerance * largest);
    }
  }
}
