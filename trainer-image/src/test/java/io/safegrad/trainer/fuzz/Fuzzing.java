package io.safegrad.trainer.fuzz;

import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Has a {@link FuzzWorker} read inputs in a process with a small heap. When an input ends the
 * process or makes it hang, that is a finding, and another process goes on with the next input.
 */
final class Fuzzing {

  private static final Duration HANGS_AFTER = Duration.ofSeconds(60);

  /** Java's exit code when main throws: what reads inputs is broken, and not a reader. */
  private static final int FAILED = 1;

  private static final int CHECKS_PER_SECOND = 5;

  private Fuzzing() {}

  /** How reading the inputs ended. */
  record Outcome(Progress progress, double seconds) {}

  /**
   * Reads altered inputs.
   *
   * @param heap for example {@code 256m}
   * @param folder an empty one, where inputs with findings are left
   */
  static Outcome run(FuzzedReader reader, long seed, long inputs, String heap, Path folder)
      throws IOException, InterruptedException {
    Progress progress = Progress.in(folder.resolve("progress"));
    long start = System.nanoTime();
    while (progress.get(Count.NEXT) < inputs) {
      Process process =
          new ProcessBuilder(command(reader, seed, inputs, heap, folder))
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.resolve("worker.log").toFile()))
              .start();
      String end = await(process, progress);
      long next = progress.get(Count.NEXT);
      if (process.exitValue() == FAILED) {
        throw new IOException("the process could not go on, see " + folder + "/worker.log");
      }
      if (next < inputs) {
        progress.add(Count.FINDINGS);
        progress.set(Count.NEXT, next + 1);
        byte[] input = new FuzzInputs(reader, seed).get(next);
        Files.write(folder.resolve(reader + "-" + next), input);
        Files.writeString(folder.resolve(reader + "-" + next + ".txt"), end);
      }
    }
    return new Outcome(progress, (System.nanoTime() - start) / 1e9);
  }

  private static String await(Process process, Progress progress) throws InterruptedException {
    long last = -1;
    long since = System.nanoTime();
    while (!process.waitFor(1000 / CHECKS_PER_SECOND, TimeUnit.MILLISECONDS)) {
      long next = progress.get(Count.NEXT);
      if (next != last) {
        last = next;
        since = System.nanoTime();
      } else if (System.nanoTime() - since > HANGS_AFTER.toNanos()) {
        process.destroyForcibly().waitFor();
        return "the process hung for " + HANGS_AFTER;
      }
    }
    return "the process ended with " + process.exitValue() + ", see worker.log";
  }

  private static List<String> command(
      FuzzedReader reader, long seed, long inputs, String heap, Path folder) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx" + heap,
        "-XX:+UseSerialGC",
        "-XX:ErrorFile=" + folder.resolve("jvm-crash.log"),
        "-Djava.io.tmpdir=" + folder,
        "-cp",
        System.getProperty("java.class.path"),
        FuzzWorker.class.getName(),
        reader.name(),
        Long.toString(seed),
        Long.toString(inputs),
        folder.toString());
  }
}
