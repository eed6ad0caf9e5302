package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Examples in a file are those that were put there, in any order of reading. */
class ExampleFileTest {

  @TempDir private Path folder;

  private static TokenizedExample example(Random random, int length, int line) {
    int[] ids = random.ints(length, 0, Integer.MAX_VALUE).toArray();
    int[] labels =
        Arrays.stream(ids)
            .map(id -> random.nextBoolean() ? id : TokenizedExample.IGNORED)
            .toArray();
    return new TokenizedExample(ids, labels, line);
  }

  @Test
  void everyExampleIsReadAsItWasAdded() throws IOException {
    Random random = new Random(7);
    List<TokenizedExample> expected = new ArrayList<>();
    try (ExampleFile file = ExampleFile.create(folder)) {
      for (int i = 0; i < 3000; i++) {
        // The longest are longer than the buffer, so it has to grow.
        int length = i % 1000 == 999 ? 400_000 : 1 + random.nextInt(300);
        TokenizedExample example = example(random, length, i + 1);
        expected.add(example);
        file.add(example);
        // Some are read before they are written, and adding goes on.
        assertThat(file.get(i / 2)).usingRecursiveComparison().isEqualTo(expected.get(i / 2));
      }

      assertThat(file).hasSize(3000);
      for (int index : ShuffledIndexes.of(3000, random)) {
        TokenizedExample read = file.get(index);
        assertThat(read.line()).isEqualTo(expected.get(index).line());
        assertThat(read.inputIds()).isEqualTo(expected.get(index).inputIds());
        assertThat(read.labels()).isEqualTo(expected.get(index).labels());
      }
      assertThatThrownBy(() -> file.get(3000)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void nothingIsSeenInTheFolder() throws IOException {
    try (ExampleFile file = ExampleFile.create(folder)) {
      file.add(example(new Random(1), 10, 1));

      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    Path missing = folder.resolve("missing");

    assertThatThrownBy(() -> ExampleFile.create(missing))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining(missing + " (SAFEGRAD_WORKSPACE): expected a writable folder")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.INTERNAL);
  }

  @Test
  void aFailedReadLeavesNothing() throws IOException {
    Path data = Files.writeString(folder.resolve("data.jsonl"), "{\"text\": \"abc\"}\n{}\n");
    Path workspace = Files.createDirectory(folder.resolve("workspace"));
    try (Tokenizer tokenizer = TokenizerTest.toy()) {
      TrainingExamples.Rules rules = new TrainingExamples.Rules(null, null, 64);

      assertThatThrownBy(
              () ->
                  TrainingExamples.read(
                      data, "d", tokenizer, ChatTemplate.missing("m"), rules, workspace))
          .hasMessageStartingWith("d:2: expected the field text");
    }
    assertThat(workspace).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 100, 12345})
  void anOrderIsTheOneThatCollectionsShuffleGives(int size) {
    List<Integer> expected = new ArrayList<>(IntStream.range(0, size).boxed().toList());
    Collections.shuffle(expected, new Random(43));

    assertThat(ShuffledIndexes.of(size, new Random(43)))
        .containsExactly(expected.toArray(Integer[]::new));
  }
}
