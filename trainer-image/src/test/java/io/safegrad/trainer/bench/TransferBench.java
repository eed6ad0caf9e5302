package io.safegrad.trainer.bench;

import io.safegrad.trainer.LoopbackServer;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SelfSigned;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast a source is read and its digest taken, from a file and over https, in a process as
 * {@code bin/safegrad-trainer} starts it; with the cryptography that the trainer brings and, where
 * its library cannot be unpacked, with Java's own. A small source's time, above all Java's start,
 * is taken off.
 */
@Command(name = "transfer-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class TransferBench implements Callable<Integer> {

  private static final int SMALL_BYTES = 1 << 10;

  @Option(names = "--mib", defaultValue = "256", description = "Default: ${DEFAULT-VALUE}.")
  private int mib;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new TransferBench()).execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Path folder = Files.createTempDirectory("transfer-bench");
    byte[] large = new byte[mib << 20];
    new Random(1).nextBytes(large);
    byte[] small = new byte[SMALL_BYTES];
    Files.write(folder.resolve("large"), large);
    Files.write(folder.resolve("small"), small);
    try (LoopbackServer server =
        LoopbackServer.https(SelfSigned.context(folder))
            .file("/large", large)
            .file("/small", small)) {
      System.out.println("| cryptography | from a file MB/s | over https MB/s |");
      System.out.println("|---|---|---|");
      for (boolean own : List.of(false, true)) {
        double file =
            rate(large, small, own, folder, name -> folder.resolve(name).toUri().toString());
        double https =
            rate(large, small, own, folder, name -> server.uri().resolve("/" + name).toString());
        System.out.printf(
            Locale.ROOT, "| %s | %.0f | %.0f |%n", own ? "Java's" : "AWS-LC's", file, https);
      }
    }
    return CommandLine.ExitCode.OK;
  }

  private interface Address {
    String of(String name);
  }

  private static double rate(byte[] large, byte[] small, boolean own, Path folder, Address address)
      throws Exception {
    double all = seconds(address.of("large"), large, own, folder);
    double start = seconds(address.of("small"), small, own, folder);
    return (large.length - small.length) / 1e6 / (all - start);
  }

  private static double seconds(String uri, byte[] content, boolean own, Path folder)
      throws Exception {
    LaunchSettings launch = LaunchSettings.of(Path.of("trainer-image", "bin", "safegrad-trainer"));
    List<String> command = new ArrayList<>(launch.command(Worker.class));
    command.addAll(1, SelfSigned.trusting(folder));
    if (own) {
      command.add(1, "-Djava.io.tmpdir=" + folder.resolve("small"));
    }
    Path cache = Files.createTempDirectory(folder, "cache");
    String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    command.addAll(List.of(uri.replace("file:/", "file:///"), "sha256:" + digest, "" + cache));
    long start = System.nanoTime();
    int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (exit != 0) {
      throw new IOException("the process that reads " + uri + " ended with " + exit);
    }
    return (System.nanoTime() - start) / 1e9;
  }

  /** Reads one source. */
  static final class Worker {

    private Worker() {}

    /**
     * @param arguments address, digest and a folder of its own
     */
    public static void main(String... arguments) {
      Path cache = Path.of(arguments[2]);
      Map<String, String> variables = Map.of("SAFEGRAD_CACHE", cache.toString());
      new SourceResolver(
              cache,
              false,
              cache,
              new RemoteSources(DownloadSettings.of(variables, cache), cache.resolve("links")))
          .resolve(new SourceSpec("dataset.source", arguments[0], null, arguments[1]));
    }
  }
}
