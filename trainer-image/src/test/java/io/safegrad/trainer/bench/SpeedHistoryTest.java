package io.safegrad.trainer.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpeedHistoryTest {

  @TempDir private Path folder;

  @Test
  void thePageShowsTheNewestRuns() throws IOException {
    String page = Files.readString(SpeedHistory.PAGE);
    List<SpeedHistory.Entry> entries = SpeedHistory.read(SpeedHistory.FILE);
    assertThat(entries).isNotEmpty();
    assertThat(SpeedHistory.page(page, entries)).as("run run.sh --write").isEqualTo(page);
  }

  @Test
  void aRunIsKeptAndTheNextOneIsComparedWithIt() throws IOException {
    Path file = folder.resolve("speed.jsonl");
    SpeedHistory.append(file, entry("2026-01-01", 0.6));
    SpeedHistory.append(file, entry("2026-01-02", 0.7));
    List<SpeedHistory.Entry> entries = SpeedHistory.read(file);
    assertThat(entries).hasSize(2);
    assertThat(SpeedHistory.newest(entries, "Float32")).contains(entries.get(1));
    assertThat(SpeedHistory.newest(entries, "Int8")).isEmpty();
    assertThat(SpeedHistory.since(entries.get(0), entries.get(1)))
        .isEqualTo("SFT: CPU 0.70, on 2026-01-01 0.60; memory 0.40, then 0.40\n");
  }

  @Test
  void theTrainerOfABenchStartsAsThatOfUsers() throws IOException {
    LaunchSettings settings = LaunchSettings.of(Path.of("bin", "safegrad-trainer"));
    assertThat(settings.options())
        .contains("-XX:+UseSerialGC", "-Xmx512m", "-Dai.djl.offline=true");
    assertThat(settings.options()).allMatch(option -> option.startsWith("-"));
    assertThat(settings.variables())
        .containsEntry("OMP_WAIT_POLICY", "passive")
        .containsKeys(
            "GOMP_SPINCOUNT", "MKL_CBWR", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_");
  }

  private static SpeedHistory.Entry entry(String date, double ratio) {
    BenchRow row = new BenchRow("SFT", 10, 10 * ratio, ratio, 1.4, 1000, 400, 0.4, 10, 3);
    return new SpeedHistory.Entry(date, "abc", "a processor", 2, 1, 2, "Float32", List.of(row));
  }
}
