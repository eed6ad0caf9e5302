package io.safegrad.trainer.fuzz;

import io.safegrad.trainer.fuzz.Progress.Count;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Reads many altered inputs with each reader and prints how they ended. */
@Command(name = "fuzz", mixinStandardHelpOptions = true, sortOptions = false)
final class FuzzReaders implements Callable<Integer> {

  @Option(
      names = "--readers",
      split = ",",
      description = "${COMPLETION-CANDIDATES} (default: all of them).")
  private FuzzedReader[] readers = FuzzedReader.values();

  @Option(names = "--inputs", defaultValue = "100000", description = "Inputs (${DEFAULT-VALUE}).")
  private long inputs;

  @Option(names = "--seed", defaultValue = "1", description = "Their seed (${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--heap", defaultValue = "256m", description = "Java's heap (${DEFAULT-VALUE}).")
  private String heap;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new FuzzReaders()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long findings = 0;
    System.out.println(
        "| reader | inputs | read | refused | findings | seconds | peak heap, MiB | peak RSS, MiB"
            + " |\n|---|---|---|---|---|---|---|---|");
    for (FuzzedReader reader : readers) {
      Path folder = Files.createTempDirectory("fuzz-");
      Fuzzing.Outcome outcome = Fuzzing.run(reader, seed, inputs, heap, folder);
      Progress progress = outcome.progress();
      System.out.printf(
          "| %s | %d | %d | %d | %d | %.0f | %d | %d |%n",
          reader,
          progress.get(Count.NEXT),
          progress.get(Count.READ),
          progress.get(Count.REFUSED),
          progress.get(Count.FINDINGS),
          outcome.seconds(),
          progress.get(Count.PEAK_HEAP_BYTES) >> 20,
          progress.get(Count.PEAK_RESIDENT_KIB) >> 10);
      if (progress.get(Count.FINDINGS) > 0) {
        System.err.println("findings of " + reader + " are in " + folder);
      }
      findings += progress.get(Count.FINDINGS);
    }
    return findings == 0 ? 0 : 1;
  }
}
