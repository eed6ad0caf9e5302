package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Training.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingTest {

  private static final int DRAWS = 20_000;

  /** Probabilities 0.5, 0.3, 0.15 and 0.05, not in their order. */
  private static final float[] LOGITS = {
    (float) Math.log(0.15), (float) Math.log(0.5), (float) Math.log(0.05), (float) Math.log(0.3)
  };

  @ParameterizedTest
  @CsvSource({
    // temperature, top_p, and the shares of the four tokens
    "1, 1, 0.15, 0.5, 0.05, 0.3",
    "0, 1, 0, 1, 0, 0",
    "1, 0.5, 0, 1, 0, 0",
    "1, 0.6, 0, 0.625, 0, 0.375",
    "1, 0.9, 0.1579, 0.5263, 0, 0.3158",
    "0.5, 1, 0.0616, 0.6849, 0.0068, 0.2466",
    "1e-3, 1, 0, 1, 0, 0",
  })
  void tokensAreDrawnInTheirShares(
      double temperature, double topP, double a, double b, double c, double d) {
    Sampling sampling = new Sampling(temperature, topP, 7);
    Random random = sampling.random();
    int[] counts = new int[4];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampling.next(LOGITS, random)]++;
    }
    double[] shares = {a, b, c, d};
    for (int i = 0; i < shares.length; i++) {
      // Four standard deviations of a share of 0.5.
      assertThat((double) counts[i] / DRAWS).isCloseTo(shares[i], within(0.015));
    }
  }

  @ParameterizedTest
  @CsvSource({"-1, 1", "NaN, 1", "Infinity, 1", "1, 0", "1, 1.1", "1, NaN"})
  void whatMakesNoSenseIsRefused(double temperature, double topP) {
    assertThatThrownBy(() -> new Sampling(temperature, topP, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void greedyTokensAreThoseOfTheBatch() {
    try (CausalLm model = Golden.of("qwen3").loadWithAdapter(Golden.training(Mode.Lora, 1))) {
      int[] prompt = {5, 17, 60, 2};
      int[] expected = model.generate(List.of(prompt), 12, Set.of()).get(0);
      List<Integer> tokens = new ArrayList<>();
      model.generate(prompt, 12, Set.of(), Sampling.GREEDY, tokens::add);
      assertThat(tokens.stream().mapToInt(i -> i).toArray()).isEqualTo(expected);

      tokens.clear();
      model.generate(prompt, 12, Set.of(expected[3]), Sampling.GREEDY, tokens::add);
      assertThat(tokens).doesNotContain(expected[3]);
      assertThat(tokens).hasSizeLessThan(12);
    }
  }
}
