package io.safegrad.trainer.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The head works in rounds, and a round's losses by as many rows as a cache holds. */
class HeadRoundsTest {

  private static final int POSITIONS = 300;
  private static final int HIDDEN = 4;

  private final Random random = new Random(7);

  /**
   * More positions than one round of the head takes; rows of both vocabularies are more than a
   * cache holds.
   */
  @ParameterizedTest
  @CsvSource({"40000, 0", "70000, 0", "70000, 3"})
  void allPositionsAtOnceGiveWhatEachGives(int vocabulary, double softCap) {
    try (Torch torch = Torch.open()) {
      Scope scope = torch.scope();
      Tensor head = normal(scope, vocabulary);
      Tensor states = normal(scope, POSITIONS);
      Tensor reference = normal(scope, POSITIONS);
      Tensor none = scope.uninitialised(0);
      Tensor targets = scope.int64(random.longs(POSITIONS, 0, vocabulary).toArray());
      Operators operators = torch.operators();
      List<Tensor> entropy =
          operators.call(scope, "cross_entropy", states, head, targets, none, softCap, 0.5);
      List<Tensor> divergence =
          operators.call(scope, "kl_divergence", states, head, reference, none, none, softCap, 0.5);
      double entropies = 0;
      double divergences = 0;
      for (int i = 0; i < POSITIONS; i++) {
        try (Scope one = scope.child()) {
          Tensor place = one.int64(new long[] {i});
          Tensor state = operators.one(one, "select_rows", states, place);
          Tensor other = operators.one(one, "select_rows", reference, place);
          Tensor target = operators.one(one, "select_rows", targets, place);
          List<Tensor> ofOne =
              operators.call(one, "cross_entropy", state, head, target, none, softCap, 0.5);
          entropies += ofOne.get(0).item();
          assertRow(i, entropy.get(1), ofOne.get(1));
          ofOne =
              operators.call(one, "kl_divergence", state, head, other, none, none, softCap, 0.5);
          divergences += ofOne.get(0).item();
          assertRow(i, divergence.get(1), ofOne.get(1));
        }
      }
      assertThat(entropy.get(0).item()).isCloseTo(entropies, within(1e-5 * entropies));
      assertThat(divergence.get(0).item()).isCloseTo(divergences, within(1e-5 * divergences));
    }
  }

  private static void assertRow(int row, Tensor all, Tensor one) {
    float[] found = Arrays.copyOfRange(all.toFloatArray(), row * HIDDEN, (row + 1) * HIDDEN);
    assertThat(found).containsExactly(one.toFloatArray(), within(2e-4f));
  }

  private Tensor normal(Scope scope, int rows) {
    float[] values = new float[rows * HIDDEN];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return scope.float32(values, rows, HIDDEN);
  }
}
