package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.train.Window.Content;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WindowReaderTest {

  private static final List<Integer> OUT = List.of(2, 5, 9);

  @Test
  void whatIsLeftOutNeverComesAgainAndTheOthersDo() {
    WindowReader reader = reader();
    next(reader, 2);
    reader.leaveOut(OUT, reader.position().user());

    List<Integer> lines = next(reader, 3);

    assertThat(lines).doesNotContainAnyElementsOf(OUT).containsOnlyOnce(1, 3, 4, 6, 7, 8, 10);
  }

  @Test
  void aResumedReaderGoesOnAsTheOneBefore() {
    WindowReader first = reader();
    next(first, 2);
    long taken = first.position().user();
    first.leaveOut(OUT, taken);
    next(first, 4);
    DataPosition position = first.position();

    WindowReader resumed = reader();
    resumed.leaveOut(OUT, taken);
    resumed.skipTo(position);

    assertThat(resumed.position()).isEqualTo(position);
    assertThat(next(resumed, 5)).isEqualTo(next(first, 5));
  }

  private static List<Integer> next(WindowReader reader, int windows) {
    List<Integer> lines = new ArrayList<>();
    for (int i = 0; i < windows; i++) {
      lines.addAll(reader.next(Content.USER).userLines());
    }
    return lines;
  }

  private static WindowReader reader() {
    List<TokenizedExample> examples =
        IntStream.rangeClosed(1, 10)
            .mapToObj(line -> new TokenizedExample(new int[] {1, 2}, new int[] {-100, 2}, line))
            .toList();
    Training training = Golden.training(Training.Mode.Lora, 1, 3, 1);
    return new WindowReader(
        ExampleRows.of(examples, training),
        examples,
        null,
        null,
        new Method(Method.Name.SafeGrad, 1.0, 2),
        training,
        ExampleOrder.SHUFFLED);
  }
}
