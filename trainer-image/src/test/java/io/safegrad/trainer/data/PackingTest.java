package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackingTest {

  @Test
  void eachExampleGoesWhereItFitsBest() {
    int[] lengths = {3, 9, 6, 1, 4, 10};
    assertThat(Packing.bestFitDecreasing(lengths, 10))
        .containsExactly(new int[] {5}, new int[] {1, 3}, new int[] {2, 4}, new int[] {0});
  }

  @Test
  void everyExampleIsInOneRowAndNoRowIsTooLong() {
    int[] lengths = new Random(1).ints(5000, 1, 120).toArray();
    List<int[]> rows = Packing.bestFitDecreasing(lengths, 128);

    assertThat(rows.stream().flatMapToInt(Arrays::stream).sorted().toArray())
        .isEqualTo(IntStream.range(0, lengths.length).toArray());
    assertThat(rows).allMatch(row -> length(row, lengths) <= 128);
    int tokens = Arrays.stream(lengths).sum();
    assertThat(rows.size() * 128).as("little room is left").isLessThan((int) (1.02 * tokens));
    assertThat(Packing.bestFitDecreasing(lengths, 128))
        .as("the same for the same lengths")
        .usingRecursiveComparison()
        .isEqualTo(rows);
  }

  @Test
  void anExampleThatIsTooLongHasARowOfItsOwn() {
    assertThat(Packing.bestFitDecreasing(new int[] {2, 50}, 10))
        .containsExactly(new int[] {1}, new int[] {0});
    assertThat(Packing.bestFitDecreasing(new int[0], 10)).isEmpty();
  }

  private static int length(int[] row, int[] lengths) {
    return Arrays.stream(row).map(index -> lengths[index]).sum();
  }

  @Test
  void batchesHaveExamplesOfSimilarLengthAndNotTooManyTokens() {
    int[] lengths = {3, 50, 6, 1, 4, 10};
    assertThat(Packing.batchesByLength(lengths, 14))
        .containsExactly(List.of(3, 0, 4, 2), List.of(5), List.of(1));
    assertThat(Packing.batchesByLength(new int[0], 14)).isEmpty();
  }

  @Test
  void theLongestExamples() {
    assertThat(Packing.longest(new int[] {3, 50, 6, 50}, 3)).containsExactly(50, 50, 6);
    assertThat(Packing.longest(new int[] {3, 6}, 8)).containsExactly(6, 3);
  }
}
