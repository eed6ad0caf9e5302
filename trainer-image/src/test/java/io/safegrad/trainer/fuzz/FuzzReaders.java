package io.safegrad.trainer.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Reads many altered inputs with each reader and prints how each ended. */
@Command(name = "fuzz", mixinStandardHelpOptions = true, sortOptions = false)
final class FuzzReaders implements Runnable {

  @Option(
      names = "--readers",
      split = ",",
      description = "${COMPLETION-CANDIDATES} (default: all of them).")
  private FuzzedReader[] readers = FuzzedReader.values();

  @Option(names = "--runs", defaultValue = "100000", description = "Inputs (${DEFAULT-VALUE}).")
  private int runs;

  @Option(names = "--heap", defaultValue = "256m", description = "Java's heap (${DEFAULT-VALUE}).")
  private String heap;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new FuzzReaders()).execute(arguments));
  }

  @Override
  public void run() {
    System.out.printf(
        "%-14s %8s %8s %9s  %s%n", "reader", "inputs", "seconds", "coverage", "outcome");
    try {
      for (FuzzedReader reader : readers) {
        Path folder = Files.createTempDirectory("fuzz-");
        Fuzzing.Outcome outcome = Fuzzing.run(reader, runs, heap, folder);
        System.out.printf(
            "%-14s %8d %8d %9d  %s%n",
            reader,
            outcome.runs(),
            outcome.seconds(),
            outcome.coverage(),
            outcome.finding() == null ? "no finding" : outcome.finding() + ", see " + folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
