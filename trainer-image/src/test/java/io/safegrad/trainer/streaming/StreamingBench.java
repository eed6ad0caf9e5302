package io.safegrad.trainer.streaming;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Makes a large data set, reads it as a run does and prints what that took. */
@Command(name = "streaming", mixinStandardHelpOptions = true, sortOptions = false)
final class StreamingBench implements Runnable {

  private static final double MIB = 1 << 20;

  @Option(
      names = "--model",
      description = "A model directory (default: one whose tokenizer knows whole words).")
  private Path model;

  @Option(
      names = "--megabytes",
      defaultValue = "50,5000",
      split = ",",
      description = "Sizes of the file before it is packed, in 10^6 bytes (${DEFAULT-VALUE}).")
  private long[] megabytes;

  @Option(
      names = "--form",
      defaultValue = "JSON_LINES",
      description = "${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  private GeneratedData.Form form;

  @Option(names = "--heap", defaultValue = "256m", description = "Java's heap (${DEFAULT-VALUE}).")
  private String heap;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new StreamingBench()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      Path folder = Files.createTempDirectory("streaming-");
      Path tokens = model == null ? WordLevelModel.write(folder.resolve("model")) : model;
      System.out.printf(
          "%-18s %9s %10s %14s %14s %12s %8s%n",
          "form", "MiB", "examples", "tokens", "tokenize s", "one pass s", "RSS MiB");
      try {
        for (long size : megabytes) {
          measure(tokens, folder.resolve("data." + form.ending), size * 1_000_000);
        }
      } finally {
        try (Stream<Path> left = Files.walk(folder)) {
          left.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void measure(Path tokens, Path file, long bytes)
      throws IOException, InterruptedException {
    try {
      GeneratedData.write(file, form, bytes);
      StreamedRead.Result result = StreamedRead.start(heap, tokens, file, file.getParent());
      System.out.printf(
          Locale.ROOT,
          "%-18s %9.0f %10d %14d %14.1f %12.1f %8d%n",
          form,
          Files.size(file) / MIB,
          result.examples(),
          result.tokens(),
          result.tokenizeSeconds(),
          result.passSeconds(),
          result.peakRssMib());
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
