package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class JointPassTest {

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void onePassGivesTheGradientsOfTwo(String family) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(Mode.Lora, 1);
    Batch user = Batch.of(examples(8, 16));
    try (CausalLm model = golden.loadWithAdapter(training);
        ReferenceModel reference = model.reference(examples(3, 15));
        Scope scope = model.torch().scope().child()) {
      AlignmentBatch alignment = reference.batch(List.of(2, 0));
      assertThat(JointPass.pays(user, alignment.batch())).isTrue();
      Gradient jointUser = model.newGradient(scope);
      Gradient jointAlignment = model.newGradient(scope);
      List<Tensor> losses =
          model.addGradients(scope, user, 0.1, alignment, 0.2, jointUser, jointAlignment, 0);

      Gradient separateUser = model.newGradient(scope);
      Gradient separateAlignment = model.newGradient(scope);
      assertThat(losses.get(0).item())
          .isCloseTo(model.addUserGradient(user, 0.1, separateUser), within(1e-3));
      assertThat(losses.get(1).item())
          .isCloseTo(model.addAlignmentGradient(alignment, 0.2, separateAlignment), within(1e-4));
      assertClose(model.named(jointUser), model.named(separateUser));
      assertClose(model.named(jointAlignment), model.named(separateAlignment));
    }
  }

  @Test
  void itIsUsedOnlyWhereItPays() {
    assertThat(JointPass.pays(batch(4, 128), batch(1, 128))).isTrue();
    assertThat(JointPass.pays(batch(4, 128), batch(4, 128))).isFalse();
    assertThat(JointPass.pays(batch(4, 128), batch(1, 20))).isTrue();
    assertThat(JointPass.pays(batch(4, 20), batch(1, 128))).isFalse();
  }

  private static List<TokenizedExample> examples(int count, int length) {
    Random random = new Random(length);
    List<TokenizedExample> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] inputIds = random.ints(length, 0, 96).toArray();
      int[] labels = inputIds.clone();
      Arrays.fill(labels, 0, 4 + i, TokenizedExample.IGNORED);
      examples.add(new TokenizedExample(inputIds, labels, i + 1));
    }
    return examples;
  }

  private static Batch batch(int rows, int length) {
    return new Batch(new long[] {rows, length}, new int[rows * length], new int[rows * length]);
  }

  private static void assertClose(
      Map<String, FloatTensor> found, Map<String, FloatTensor> expected) {
    expected.forEach(
        (name, tensor) -> {
          float largest = 0;
          for (float value : tensor.values()) {
            largest = Math.max(largest, Math.abs(value));
          }
          assertThat(largest).isPositive();
          assertThat(found.get(name).values())
              .as(name)
              .usingComparatorWithPrecision(1e-5f * largest)
              .containsExactly(tensor.values());
        });
  }
}
