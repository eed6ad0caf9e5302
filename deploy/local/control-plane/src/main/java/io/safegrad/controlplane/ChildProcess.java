package io.safegrad.controlplane;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A program with all its children, in a process group of its own, that ends with this JVM however
 * that ends. Ctrl-C on the terminal does not reach it. A shell stands between ({@code guard.sh}):
 * it waits for the end of a pipe that only this JVM holds open.
 */
public final class ChildProcess implements AutoCloseable {

  private static final String GUARD = readGuard();

  private final Process guard;
  private final Duration grace;
  private final CompletableFuture<Integer> exitCode;

  private ChildProcess(Process guard, Duration grace) {
    this.guard = guard;
    this.grace = grace;
    this.exitCode = guard.onExit().thenApply(Process::exitValue);
  }

  /**
   * Starts a program.
   *
   * @param command the program and its arguments
   * @param environment the whole environment of the program
   * @param directory where it runs
   * @param output the file that receives its standard output and error; it is appended to
   * @param grace how long the program has between SIGTERM and SIGKILL
   * @throws UncheckedIOException when the shell cannot be started; a program that is not there ends
   *     with exit code 127
   */
  public static ChildProcess start(
      List<String> command,
      Map<String, String> environment,
      Path directory,
      Path output,
      Duration grace) {
    List<String> line = new ArrayList<>(List.of("bash", "-c", GUARD, "guard"));
    line.add(Long.toString(Math.max(1, grace.toSeconds())));
    line.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
    builder.environment().clear();
    builder.environment().putAll(environment);
    try {
      return new ChildProcess(builder.start(), grace);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Completes with the exit code when the program has ended; 128 + n after signal n. */
  public CompletableFuture<Integer> exitCode() {
    return exitCode;
  }

  public boolean isAlive() {
    return guard.isAlive();
  }

  /** The program, its children and the shell that guards them. */
  public Stream<ProcessHandle> processes() {
    return Stream.concat(Stream.of(guard.toHandle()), guard.descendants());
  }

  /** Sends SIGTERM to the program and its children. */
  public void terminate() {
    signal("TERM");
  }

  /** Sends SIGKILL to the program and its children. */
  public void kill() {
    signal("KILL");
  }

  /** SIGTERM, then SIGKILL after the grace period; returns when the program has ended. */
  @Override
  public void close() {
    terminate();
    if (!endsWithin(grace)) {
      kill();
      exitCode.join();
    }
  }

  /** Not to be interrupted: what is being closed is closed in good order. */
  private boolean endsWithin(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return guard.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void signal(String name) {
    try {
      OutputStream input = guard.getOutputStream();
      input.write((name + "\n").getBytes(StandardCharsets.US_ASCII));
      input.flush();
    } catch (IOException e) {
      // The program has ended, and the reader of the pipe with it: nothing is left to signal.
    }
  }

  private static String readGuard() {
    try (InputStream script = ChildProcess.class.getResourceAsStream("guard.sh")) {
      return new String(script.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
