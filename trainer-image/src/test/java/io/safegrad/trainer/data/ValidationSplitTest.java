package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValidationSplitTest {

  private static List<TokenizedExample> examples(int count) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(line -> new TokenizedExample(new int[] {1, 2}, new int[] {-100, 2}, line))
        .toList();
  }

  private static List<Integer> lines(List<TokenizedExample> examples) {
    return examples.stream().map(TokenizedExample::line).toList();
  }

  @Test
  void everyExampleIsInOnePartInTheOrderOfTheFile() {
    List<TokenizedExample> all = examples(100);
    ValidationSplit split = ValidationSplit.of(all, 0.2, 43);

    assertThat(split.validation()).hasSize(20);
    assertThat(lines(split.validation())).isSorted().isNotEqualTo(lines(all.subList(80, 100)));
    assertThat(lines(split.training()))
        .isSorted()
        .doesNotContainAnyElementsOf(lines(split.validation()));
    assertThat(split.training()).hasSize(80);
  }

  @Test
  void theSeedDecides() {
    List<TokenizedExample> all = examples(100);

    assertThat(ValidationSplit.of(all, 0.2, 43)).isEqualTo(ValidationSplit.of(all, 0.2, 43));
    assertThat(ValidationSplit.of(all, 0.2, 43)).isNotEqualTo(ValidationSplit.of(all, 0.2, 44));
  }

  @ParameterizedTest
  @CsvSource({"2, 0.01, 1", "2, 0.5, 1", "3, 0.5, 2", "10, 0.05, 1", "1000, 0.05, 50", "2, 1, 1"})
  void oneIsHeldBackAtLeastAndOneIsLeft(int size, double fraction, int held) {
    ValidationSplit split = ValidationSplit.of(examples(size), fraction, 1);

    assertThat(split.validation()).hasSize(held);
    assertThat(split.training()).hasSize(size - held);
  }

  @Test
  void withoutAFractionNothingIsHeldBack() {
    for (Double none : new Double[] {null, 0.0}) {
      ValidationSplit split = ValidationSplit.of(examples(1), none, 1);

      assertThat(lines(split.training())).containsExactly(1);
      assertThat(split.validation()).isEmpty();
    }
  }

  @Test
  void oneExampleCannotBeSplit() {
    assertThatThrownBy(() -> ValidationSplit.of(examples(1), 0.1, 1))
        .hasMessage(
            "dataset.validationFraction: expected at least two examples to hold some back, found 1");
  }
}
