package io.safegrad.trainer.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Has Jazzer make many inputs for each reader and prints how they ended. */
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
        "| reader | inputs | read | refused | findings | edges | features | corpus | seconds | peak"
            + " heap, MiB | peak RSS, MiB |\n|---|---|---|---|---|---|---|---|---|---|---|");
    for (FuzzedReader reader : readers) {
      Path folder = Files.createTempDirectory("fuzz-");
      JazzerRun.Outcome outcome = new JazzerRun(List.of(reader), seed, inputs, heap).in(folder);
      System.out.printf(
          "| %s | %d | %d | %d | %d | %d | %d | %d | %.0f | %d | %d |%n",
          reader,
          outcome.inputs(),
          outcome.read(),
          outcome.refused(),
          outcome.findings(),
          outcome.edges(),
          outcome.features(),
          outcome.corpus(),
          outcome.seconds(),
          outcome.heapMib(),
          outcome.residentMib());
      if (outcome.findings() > 0) {
        System.err.println("findings of " + reader + " are in " + folder);
      }
      findings += outcome.findings();
    }
    return findings == 0 ? 0 : 1;
  }
}
