package io.safegrad.trainer.fuzz;

import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/**
 * Reads altered inputs, one after the other, and leaves those with findings in a folder, one for
 * each kind of finding.
 */
final class FuzzWorker {

  /** Processor time: a reader that works longer on one input hangs. */
  static final Duration MAX_TIME = Duration.ofSeconds(10);

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final FuzzedReader reader;
  private final FuzzedFiles files;
  private final Path folder;
  private final Progress progress;
  private final Set<String> kinds = new HashSet<>();

  /**
   * @param folder an existing one
   */
  FuzzWorker(FuzzedReader reader, Path folder, Progress progress) throws IOException {
    this.reader = reader;
    this.folder = folder;
    this.progress = progress;
    this.files = FuzzedFiles.in(Files.createDirectories(folder.resolve("files")));
  }

  /** What a process of its own does: reader, seed, inputs, folder. */
  public static void main(String... arguments) throws IOException {
    Path folder = Path.of(arguments[3]);
    new FuzzWorker(
            FuzzedReader.valueOf(arguments[0]), folder, Progress.in(folder.resolve("progress")))
        .run(Long.parseLong(arguments[1]), Long.parseLong(arguments[2]));
    System.exit(0);
  }

  /** Reads the inputs from {@link Count#NEXT} to the last one. */
  void run(long seed, long inputs) throws IOException {
    FuzzInputs all = new FuzzInputs(reader, seed);
    for (long i = progress.get(Count.NEXT); i < inputs; i++) {
      progress.set(Count.NEXT, i);
      byte[] input = all.get(i);
      long start = THREADS.getCurrentThreadCpuTime();
      try {
        progress.add(reader.check(input, files) ? Count.READ : Count.REFUSED);
        Duration time = Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - start);
        if (time.compareTo(MAX_TIME) > 0) {
          found(i, input, new AssertionError("took longer than " + MAX_TIME));
        }
      } catch (Throwable e) {
        found(i, input, e);
      }
      if (i % 256 == 0 || i == inputs - 1) {
        measure();
      }
    }
    progress.set(Count.NEXT, inputs);
  }

  private void measure() throws IOException {
    long heap =
        ManagementFactory.getMemoryPoolMXBeans().stream()
            .filter(pool -> pool.getType() == MemoryType.HEAP)
            .mapToLong(pool -> pool.getPeakUsage().getUsed())
            .sum();
    progress.raise(Count.PEAK_HEAP_BYTES, heap);
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) {
        progress.raise(Count.PEAK_RESIDENT_KIB, Long.parseLong(line.replaceAll("\\D", "")));
      }
    }
  }

  private void found(long index, byte[] input, Throwable error) throws IOException {
    progress.add(Count.FINDINGS);
    String kind = error.getClass().getName() + place(error);
    if (kinds.add(kind)) {
      StringWriter trace = new StringWriter();
      error.printStackTrace(new PrintWriter(trace));
      String text = trace.toString();
      Files.write(folder.resolve(reader + "-" + index), input);
      Files.writeString(
          folder.resolve(reader + "-" + index + ".txt"),
          text.substring(0, Math.min(text.length(), 20_000)));
      System.out.println(reader + "-" + index + ": " + kind);
    }
  }

  /** The reader's own line that failed, so that each kind of finding is kept once. */
  private static String place(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    for (StackTraceElement element : root.getStackTrace()) {
      if (element.getClassName().startsWith("io.safegrad")
          && !element.getClassName().startsWith(FuzzWorker.class.getPackageName())) {
        return " (" + element.getFileName() + ":" + element.getLineNumber() + ")";
      }
    }
    return "";
  }
}
