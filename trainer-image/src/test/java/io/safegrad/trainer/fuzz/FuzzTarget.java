package io.safegrad.trainer.fuzz;

import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What Jazzer calls with each input. What it throws is a finding. Of several readers, the first
 * byte of an input picks one.
 */
public final class FuzzTarget {

  /** System properties: readers' names, and a folder for their files and counts. */
  static final String READERS = "fuzz.readers";

  static final String FOLDER = "fuzz.folder";

  /** Processor time: a reader that works longer on one input hangs. */
  static final Duration MAX_TIME = Duration.ofSeconds(10);

  private static final int INPUTS_PER_MEASUREMENT = 256;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final FuzzTarget TARGET =
      new FuzzTarget(
          Stream.of(System.getProperty(READERS).split(",")).map(FuzzedReader::valueOf).toList(),
          Path.of(System.getProperty(FOLDER)));

  private final List<FuzzedReader> readers;
  private final List<FuzzedFiles> files = new ArrayList<>();
  private final Progress progress;

  private FuzzTarget(List<FuzzedReader> readers, Path folder) {
    this.readers = readers;
    try {
      for (FuzzedReader reader : readers) {
        Path place = Files.createDirectories(folder.resolve("files-" + reader));
        files.add(FuzzedFiles.in(place, FuzzedFiles.TEMPLATE_TIME));
      }
      this.progress = Progress.in(folder.resolve("progress"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static void fuzzerTestOneInput(byte[] input) {
    TARGET.pick(input);
  }

  private void pick(byte[] input) {
    if (readers.size() == 1) {
      read(0, input);
    } else if (input.length > 0) {
      read((input[0] & 0xff) % readers.size(), Arrays.copyOfRange(input, 1, input.length));
    }
  }

  private void read(int reader, byte[] input) {
    progress.add(Count.INPUTS);
    if (progress.get(Count.INPUTS) % INPUTS_PER_MEASUREMENT == 1) {
      measure();
    }
    long start = THREADS.getCurrentThreadCpuTime();
    boolean accepted = readers.get(reader).check(input, files.get(reader));
    progress.add(accepted ? Count.READ : Count.REFUSED);
    Duration time = Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start);
    if (time.compareTo(MAX_TIME) > 0) {
      throw new AssertionError(readers.get(reader) + " took longer than " + MAX_TIME);
    }
  }

  private void measure() {
    long heap =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .mapToLong(pool -> pool.getPeakUsage().getUsed())
            .sum();
    progress.raise(Count.PEAK_HEAP_BYTES, heap);
  }
}
