package io.safegrad.controlplane;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** The programs of one control plane, with a log each, in the order they were started in. */
final class Components implements AutoCloseable {

  private static final Duration GRACE = Duration.ofSeconds(10);

  private final Path binaries;
  private final Path folder;
  private final Deque<ChildProcess> running = new ArrayDeque<>();

  /**
   * @param binaries where the programs are
   * @param folder where they run, with their logs under {@code logs}
   */
  Components(Path binaries, Path folder) {
    this.binaries = binaries;
    this.folder = folder;
  }

  /** Stops what was started, the last one first: etcd outlives the API server. */
  @Override
  public void close() {
    while (!running.isEmpty()) {
      running.pop().close();
    }
  }

  /** Stops one program before the others. */
  void stop(ChildProcess program) {
    running.remove(program);
    program.close();
  }

  /** Starts a program. */
  ChildProcess run(String program, String... flags) throws IOException {
    List<String> command = new ArrayList<>(List.of(binaries.resolve(program).toString()));
    command.addAll(Arrays.asList(flags));
    Path log = log(program);
    Files.deleteIfExists(log);
    ChildProcess process = ChildProcess.start(command, System.getenv(), folder, log, GRACE);
    running.push(process);
    return process;
  }

  /**
   * Waits for a condition that a running program brings about.
   *
   * @param deadline in {@link System#nanoTime()}
   */
  void await(String program, ChildProcess process, long deadline, BooleanSupplier condition)
      throws IOException {
    while (!condition.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw failure(program);
      }
      if (Thread.interrupted()) {
        throw new CancellationException("interrupted while " + program + " started");
      }
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  /** What a program that failed has left in its log. */
  ControlPlaneException failure(String program) throws IOException {
    List<String> lines = Files.readAllLines(log(program));
    return new ControlPlaneException(
        "%s did not become ready; the end of %s:%n  %s"
            .formatted(
                program,
                log(program),
                String.join("\n  ", lines.subList(Math.max(0, lines.size() - 15), lines.size()))));
  }

  private Path log(String program) {
    return folder.resolve("logs").resolve(program + ".log");
  }
}
