package io.safegrad.trainer.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A data set is read with a heap that it would not fit in; StreamingBench does it with 5 GB. */
class StreamingMemoryTest {

  private static final String HEAP = "48m";

  /** Records that have about 5 million tokens: 40 MB of heap for ids and labels alone. */
  private static final long BYTES = 80_000_000;

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void aFileIsReadWithAHeapThatItsTokensWouldFill(GeneratedData.Form form)
      throws IOException, InterruptedException {
    Path model = WordLevelModel.write(folder.resolve("model"));
    Path file = folder.resolve("data." + form.ending);
    int records = GeneratedData.write(file, form, BYTES);

    StreamedRead.Result result = StreamedRead.start(HEAP, model, file, folder);

    assertThat(result.examples()).isEqualTo(records);
    assertThat(result.tokens() * 2 * Integer.BYTES).isGreaterThan(30_000_000);
  }
}
