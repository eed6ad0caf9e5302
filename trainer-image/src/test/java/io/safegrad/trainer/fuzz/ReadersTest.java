package io.safegrad.trainer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A share of what {@code fuzz.sh} does, in this process. */
class ReadersTest {

  private static final int INPUTS = 20;

  @ParameterizedTest
  @EnumSource
  @Timeout(60)
  void readOrRefuse(FuzzedReader reader, @TempDir Path folder) throws IOException {
    Progress progress = Progress.inMemory();
    int seeds = reader.seeds().size();

    new FuzzWorker(reader, folder, progress).run(1, seeds + INPUTS);

    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.filter(Files::isRegularFile)).as("findings").isEmpty();
    }
    assertThat(progress.get(Count.FINDINGS)).isZero();
    assertThat(progress.get(Count.READ)).isPositive();
    assertThat(progress.get(Count.REFUSED)).isPositive();
  }

  @Test
  void theSameSeedMakesTheSameInputs() {
    FuzzInputs inputs = new FuzzInputs(FuzzedReader.MANIFEST, 1);
    FuzzInputs same = new FuzzInputs(FuzzedReader.MANIFEST, 1);
    FuzzInputs other = new FuzzInputs(FuzzedReader.MANIFEST, 2);
    assertThat(same.get(50)).isEqualTo(inputs.get(50));
    assertThat(other.get(50)).isNotEqualTo(inputs.get(50));
  }

  @Test
  void messagesThatQuoteTheInputAreFindings() {
    assertThatThrownBy(
            () ->
                FuzzedReader.requireClear(
                    new TrainerException(ExitReason.BAD_DATA, "found " + FuzzedReader.CANARY)))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("quotes");
    assertThatThrownBy(() -> FuzzedReader.requireClear(new IllegalStateException("a\nb")))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("one line");
  }
}
