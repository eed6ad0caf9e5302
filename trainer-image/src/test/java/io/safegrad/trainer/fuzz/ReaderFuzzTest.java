package io.safegrad.trainer.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every reader with inputs that were once findings, and with some new ones; fuzz.sh has more. */
class ReaderFuzzTest {

  private static final int RUNS = 12_000;

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void seedsAreAcceptedOrRefusedWithOneClearError(FuzzedReader reader) {
    FuzzedFiles files = FuzzedFiles.in(folder);
    for (byte[] seed : reader.seeds()) {
      assertTimeoutPreemptively(Duration.ofSeconds(20), () -> reader.check(seed, files));
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "GGUF")
  void validInputsAreAccepted(FuzzedReader reader) {
    FuzzedFiles files = FuzzedFiles.in(folder);

    assertThat(reader.validInputs()).isNotEmpty().allSatisfy(each -> reader.read(each, files));
  }

  @Test
  void alteredInputsAreAcceptedOrRefusedWithOneClearErrorInASmallHeap()
      throws IOException, InterruptedException {
    Fuzzing.Outcome outcome = Fuzzing.run(null, RUNS, "256m", folder);

    assertThat(outcome.finding()).as(Files.readString(outcome.log())).isNull();
    assertThat(outcome.runs()).isGreaterThanOrEqualTo(RUNS);
  }
}
