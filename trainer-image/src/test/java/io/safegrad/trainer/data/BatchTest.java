package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {

  @Test
  void examplesLieOneBehindTheOther() {
    Batch batch =
        Batch.of(
            List.of(
                new TokenizedExample(new int[] {5, 6, 7}, new int[] {5, 6, 7}, 1),
                new TokenizedExample(new int[] {8, 9}, new int[] {-100, 9}, 2),
                new TokenizedExample(new int[] {3, 4}, new int[] {3, 4}, 3)));

    assertThat(batch.runs()).containsExactly(1, 3, 2, 2);
    assertThat(batch.rows()).isEqualTo(3);
    assertThat(batch.length()).isEqualTo(3);
    assertThat(batch.inputIds()).containsExactly(5, 6, 7, 8, 9, 3, 4);
    assertThat(batch.labels())
        .as("nothing comes before the first token of an example")
        .containsExactly(-100, 6, 7, -100, 9, -100, 4);
    assertThat(batch.responseTokens()).isEqualTo(4);
  }

  @Test
  void batchesLieSideBySide() {
    Batch first = Batch.of(List.of(new TokenizedExample(new int[] {1, 2}, new int[] {1, 2}, 1)));
    Batch second = Batch.of(List.of(new TokenizedExample(new int[] {3, 4}, new int[] {3, 4}, 1)));
    Batch third = Batch.of(List.of(new TokenizedExample(new int[] {5}, new int[] {5}, 1)));

    Batch joined = first.followedBy(second).followedBy(third);
    assertThat(joined.runs()).containsExactly(2, 2, 1, 1);
    assertThat(joined.inputIds()).containsExactly(1, 2, 3, 4, 5);
    assertThat(joined.labels()).containsExactly(-100, 2, -100, 4, -100);
  }

  @Test
  void anExampleNeedsALabelForEachToken() {
    assertThatThrownBy(() -> new TokenizedExample(new int[] {1, 2}, new int[] {1}, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
