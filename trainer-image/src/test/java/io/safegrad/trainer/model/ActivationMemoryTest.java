package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** What a pass finds in the memory of those before it must not matter. */
class ActivationMemoryTest {

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void passesBeforeOfOtherSizesChangeNoBitOfAGradient(String family) {
    Golden toy = Golden.of(family);
    List<TokenizedExample> examples = toy.examples("user");
    Batch one = Batch.of(examples.subList(0, 1));
    Batch all = Batch.of(examples);
    assertThat(all.inputIds().length).isGreaterThan(one.inputIds().length);
    try (CausalLm model = toy.loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      float[][] first = gradient(model, one);
      float[][] larger = gradient(model, all);
      assertThat(gradient(model, one)).isDeepEqualTo(first);
      assertThat(gradient(model, all)).isDeepEqualTo(larger);
      model.generate(List.of(new int[] {1, 2, 3}), 2, Set.of());
      assertThat(gradient(model, one)).isDeepEqualTo(first);
    }
  }

  @Test
  void repliesBeginWithItGivenBack() {
    Golden toy = Golden.of("llama");
    Batch batch = Batch.of(toy.examples("user"));
    try (CausalLm model = toy.loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      gradient(model, batch);
      model.generate(List.of(new int[] {1, 2, 3}), 2, Set.of());
      int before = model.torch().scope().open();
      gradient(model, batch);
      int rooms = 2 * toy.config().layers();
      assertThat(model.torch().scope().open()).isEqualTo(before + rooms);
      gradient(model, batch);
      assertThat(model.torch().scope().open()).isEqualTo(before + rooms);
      model.generate(List.of(new int[] {1, 2, 3}), 2, Set.of());
      assertThat(model.torch().scope().open()).isEqualTo(before);
    }
  }

  private static float[][] gradient(CausalLm model, Batch batch) {
    try (Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      model.gradients().addUser(batch, 1, gradient);
      float[][] values =
          gradient.vector().stream().map(Tensor::toFloatArray).toArray(float[][]::new);
      assertThat(Arrays.stream(values).anyMatch(each -> each[each.length - 1] != 0)).isTrue();
      return values;
    }
  }
}
