package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.report.ResidentMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryLimitTest {

  private static final long MACHINE = 8L << 30;

  @TempDir private Path folder;

  @Test
  void aContainersLimitIsTakenWhereItHasOne() throws IOException {
    MemoryLimit machine = new MemoryLimit(MACHINE, "the machine's memory");
    assertThat(limit("absent", null)).isEqualTo(machine);
    assertThat(limit("memory.max", "max\n")).isEqualTo(machine);
    assertThat(limit("memory.limit_in_bytes", "9223372036854771712\n")).isEqualTo(machine);
    assertThat(limit("memory.max", "2147483648\n"))
        .isEqualTo(new MemoryLimit(2L << 30, "the container's memory limit"));
  }

  @Test
  void aRunThatNeedsMoreIsToldWhatToDo() {
    MemoryLimit limit = new MemoryLimit(1000 << 20, "the container's memory limit");
    assertThat(limit.exceededBy(estimate(1000 << 20))).isEmpty();
    assertThat(limit.exceededBy(estimate(3L << 29)))
        .hasValueSatisfying(
            sentence ->
                assertThat(sentence)
                    .startsWith(
                        "it is expected to need 1.5 GiB of memory, and the container's memory limit"
                            + " is 1000 MiB; lower training.batchSize"));
  }

  private static MemoryEstimate estimate(long bytes) {
    return new MemoryEstimate(
        MemoryEstimate.Moment.LOSS, Map.of(MemoryEstimate.Part.PROCESS, bytes));
  }

  @Test
  void thisProcessHasAPeak() {
    assertThat(ResidentMemory.peakBytes()).isGreaterThan(50 << 20);
  }

  private MemoryLimit limit(String name, String content) throws IOException {
    Path file = folder.resolve(name);
    if (content != null) {
      Files.writeString(file, content);
    }
    return MemoryLimit.of(List.of(file), MACHINE);
  }
}
