package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ExampleOrderTest {

  private static final int BATCH = 8;

  private final int[] lengths = new Random(1).ints(1003, 1, 500).toArray();
  private final ExampleOrder grouped = ExampleOrder.groupedByLength(lengths, BATCH);

  @Test
  void aPassTakesEachExampleOnceInAnOrderOfItsSeed() {
    Random random = new Random(2);
    int[] first = grouped.pass(lengths.length, random);
    int[] second = grouped.pass(lengths.length, random);

    assertThat(first).isEqualTo(grouped.pass(lengths.length, new Random(2))).isNotEqualTo(second);
    for (int[] pass : new int[][] {first, second}) {
      assertThat(Arrays.stream(pass).sorted().toArray())
          .isEqualTo(IntStream.range(0, lengths.length).toArray());
    }
  }

  @Test
  void batchesAreOfSimilarLengthAndTheLongestExampleIsFirst() {
    int[] pass = grouped.pass(lengths.length, new Random(3));

    assertThat(lengths[pass[0]]).isEqualTo(Arrays.stream(lengths).max().orElseThrow());
    int shuffled = padded(ExampleOrder.SHUFFLED.pass(lengths.length, new Random(3)));
    int tokens = Arrays.stream(lengths).sum();
    assertThat(padded(pass)).isLessThan((int) (1.1 * tokens));
    assertThat(shuffled).isGreaterThan((int) (1.5 * tokens));
  }

  @Test
  void fewerExamplesThanABatchAreGroupedToo() {
    assertThat(ExampleOrder.groupedByLength(new int[] {3, 9, 5}, BATCH).pass(3, new Random(1)))
        .containsExactly(1, 2, 0);
  }

  private int padded(int[] pass) {
    int tokens = 0;
    for (int from = 0; from < pass.length; from += BATCH) {
      int[] batch = Arrays.copyOfRange(pass, from, Math.min(pass.length, from + BATCH));
      tokens +=
          batch.length * Arrays.stream(batch).map(index -> lengths[index]).max().orElseThrow();
    }
    return tokens;
  }
}
