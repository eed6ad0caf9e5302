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
    isWhatSeparatePassesGive(family, Batch.of(examples(8, 16)));
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void soDoOnePassAndOneOfTheFirstRowsOfALargeBatch(String family) {
    Batch user = Batch.of(examples(36, 16));
    assertThat(JointPass.alone(user.lengths().toArray(), 2 * 15)).isEqualTo(21);
    isWhatSeparatePassesGive(family, user);
  }

  private static void isWhatSeparatePassesGive(String family, Batch user) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(Mode.Lora, 1);
    try (CausalLm model = golden.loadWithAdapter(training);
        ReferenceModel reference = model.reference(examples(3, 15));
        Scope scope = model.torch().scope().child()) {
      AlignmentBatch alignment = reference.batch(List.of(2, 0));
      assertThat(JointPass.pays(user.tokens(), alignment.batch().tokens())).isTrue();
      Gradient jointUser = model.newGradient(scope);
      Gradient jointAlignment = model.newGradient(scope);
      List<Tensor> losses =
          model.gradients().addBoth(scope, user, 0.1, alignment, 0.2, jointUser, jointAlignment, 0);

      Gradient separateUser = model.newGradient(scope);
      Gradient separateAlignment = model.newGradient(scope);
      assertThat(losses.get(0).item())
          .isCloseTo(model.gradients().addUser(user, 0.1, separateUser), within(1e-3));
      assertThat(losses.get(1).item())
          .isCloseTo(
              model.gradients().addAlignment(alignment, 0.2, separateAlignment), within(1e-4));
      assertClose(model.trained().copies(jointUser), model.trained().copies(separateUser));
      assertClose(
          model.trained().copies(jointAlignment), model.trained().copies(separateAlignment));
    }
  }

  @Test
  void itIsUsedOnlyWhereItPays() {
    assertThat(JointPass.pays(4 * 128, 128)).isTrue();
    assertThat(JointPass.pays(4 * 128, 4 * 128)).isFalse();
    assertThat(JointPass.pays(4 * 128, 20)).isTrue();
    assertThat(JointPass.pays(4 * 20, 128)).isFalse();
  }

  @Test
  void noPassOfALargeBatchIsLargerThanTheUsersAndNoneIsSmall() {
    assertThat(JointPass.alone(new int[] {128, 128, 128, 128}, 128)).isEqualTo(3);
    assertThat(JointPass.alone(new int[] {128, 128, 128, 128}, 256)).isEqualTo(2);
    assertThat(JointPass.alone(new int[] {128, 128, 128, 128}, 20)).isEqualTo(2);
    assertThat(JointPass.alone(new int[] {128, 128, 128}, 128)).isEqualTo(2);
    assertThat(JointPass.alone(new int[] {128, 128, 128}, 192)).isEqualTo(2);
    assertThat(JointPass.alone(new int[] {128, 128}, 128)).isZero();
    assertThat(JointPass.alone(new int[] {2048}, 20)).isZero();
  }

  private static List<TokenizedExample> examples(int count, int length) {
    Random random = new Random(length);
    List<TokenizedExample> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] inputIds = random.ints(length, 0, 96).toArray();
      int[] labels = inputIds.clone();
      Arrays.fill(labels, 0, 4 + i % 8, TokenizedExample.IGNORED);
      examples.add(new TokenizedExample(inputIds, labels, i + 1));
    }
    return examples;
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
