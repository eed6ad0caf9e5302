package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.data.TokenizedExample;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ExampleSampleTest {

  @Test
  void whatIsFewIsAskedWhole() {
    List<TokenizedExample> examples = examples(100, 7);
    assertThat(ExampleSample.of(examples, 100)).isSameAs(examples);
  }

  @Test
  void ofEachEqualPartOneIsDrawn() {
    for (int size : new int[] {101, 150, 1000, 1024}) {
      List<Integer> lines = lines(examples(size, 7));
      assertThat(lines).hasSize(100);
      for (int part = 0; part < 100; part++) {
        assertThat(lines.get(part) - 1).isBetween(part * size / 100, (part + 1) * size / 100 - 1);
      }
    }
  }

  /** Who writes the data cannot know which lines are not asked, and write the harm there. */
  @Test
  void whichOneIsDrawnDependsOnAllOfTheData() {
    assertThat(lines(examples(1000, 7))).isEqualTo(lines(examples(1000, 7)));
    assertThat(lines(examples(1000, 7))).isNotEqualTo(lines(examples(1000, 8)));
  }

  private static List<Integer> lines(List<TokenizedExample> examples) {
    return ExampleSample.of(examples, 100).stream().map(TokenizedExample::line).toList();
  }

  /** Alike but for the last one. */
  private static List<TokenizedExample> examples(int size, int last) {
    List<TokenizedExample> examples = new ArrayList<>();
    for (int line = 1; line <= size; line++) {
      int[] ids = {1, 2, line == size ? last : 3};
      examples.add(new TokenizedExample(ids, ids, line));
    }
    return examples;
  }
}
