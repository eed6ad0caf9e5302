package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {

  @Test
  void padsOnTheRightAndNeverTrainsOnPadding() {
    Batch batch =
        Batch.of(
            List.of(
                new TokenizedExample(new int[] {5, 6, 7}, new int[] {-100, 6, 7}, 1),
                new TokenizedExample(new int[] {8, 9}, new int[] {-100, 9}, 2)));

    assertThat(batch.rows()).isEqualTo(2);
    assertThat(batch.length()).isEqualTo(3);
    assertThat(batch.inputIds()).containsExactly(5, 6, 7, 8, 9, 0);
    assertThat(batch.labels()).containsExactly(-100, 6, 7, -100, 9, -100);
  }

  @Test
  void anExampleNeedsALabelForEachToken() {
    assertThatThrownBy(() -> new TokenizedExample(new int[] {1, 2}, new int[] {1}, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
