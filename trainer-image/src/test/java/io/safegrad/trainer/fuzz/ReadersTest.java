package io.safegrad.trainer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every input that {@code fuzz.sh} starts from, in this process, and a share of what it does. */
class ReadersTest {

  private static final int INPUTS = 3_000;

  /** The first rendering on a busy machine takes longer than fuzzing allows. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @ParameterizedTest
  @EnumSource
  @Timeout(60)
  void seedsAreReadOrRefused(FuzzedReader reader, @TempDir Path folder) {
    FuzzedFiles patient = FuzzedFiles.in(folder, PATIENCE);
    assertThat(reader.validInputs()).anyMatch(each -> reader.check(each, patient));
    FuzzedFiles files = FuzzedFiles.in(folder, FuzzedFiles.TEMPLATE_TIME);
    reader.seeds().forEach(each -> reader.check(each, files));
  }

  @Test
  @Timeout(240)
  void whatJazzerMakesIsReadOrRefused(@TempDir Path folder) throws Exception {
    List<FuzzedReader> readers = List.of(FuzzedReader.values());

    JazzerRun.Outcome outcome = new JazzerRun(readers, 1, INPUTS, "256m").in(folder);

    assertThat(outcome.findings()).as("findings of %s", outcome).isZero();
    assertThat(outcome.inputs()).isGreaterThan(INPUTS * 9 / 10);
    assertThat(outcome.read()).isPositive();
    assertThat(outcome.refused()).isPositive();
    assertThat(outcome.features()).isPositive();
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
