package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.report.RunVersions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Our training step against transformers + PEFT and against its own bare matrix products, in one
 * interleaved run: each round runs every case once on each side, each in a process of its own.
 */
@Command(name = "speed-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class SpeedBench implements Runnable {

  private static final int THREADS = 2;
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Option(
      names = "--reference",
      required = true,
      description = "The folder that setup-reference.sh made.")
  private Path reference;

  @Option(names = "--scripts", required = true, description = "The folder of the Python script.")
  private Path scripts;

  @Option(names = "--rounds", defaultValue = "3", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(names = "--steps", defaultValue = "5", description = "Default: ${DEFAULT-VALUE}.")
  private int steps;

  @Option(
      names = "--storage",
      defaultValue = "Float32",
      description =
          "How our side keeps the frozen weights: Float32, BFloat16 or Int8. Default: ${DEFAULT-VALUE}.")
  private Model.Storage storage;

  @Option(names = "--out", description = "Where the figures go as JSON.")
  private Path out;

  @Option(
      names = "--write",
      description = "Keeps the figures in the history, and writes the page that shows them.")
  private boolean write;

  @Option(names = "--commit", description = "Of what is measured, for the history.")
  private String commit;

  private LaunchSettings launch;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new SpeedBench()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      compare(Files.createTempDirectory("speed-bench"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void compare(Path scratch) throws IOException, InterruptedException {
    launch = LaunchSettings.of(Path.of("bin", "safegrad-trainer"));
    Path model = reference.resolve("SmolLM2-135M-Instruct");
    Map<BenchCase, List<Measured>> theirs = new EnumMap<>(BenchCase.class);
    Map<BenchCase, List<Measured>> ours = new EnumMap<>(BenchCase.class);
    for (int round = 1; round <= rounds; round++) {
      for (BenchCase benchCase : BenchCase.values()) {
        Files.createDirectories(scratch);
        Path user = scratch.resolve("user.jsonl");
        Path alignment = scratch.resolve("alignment.jsonl");
        BenchData.write(user, userRows(benchCase));
        BenchData.write(alignment, alignmentRows(benchCase));
        measure(
            "reference",
            round,
            benchCase,
            theirs,
            launch.waiting(),
            referenceCommand(benchCase, model, scratch));
        measure(
            "safegrad",
            round,
            benchCase,
            ours,
            launch.variables(),
            ownCommand(benchCase, model, scratch));
      }
    }
    List<BenchRow> rows = new ArrayList<>();
    for (BenchCase benchCase : BenchCase.values()) {
      rows.add(BenchRow.of(benchCase, theirs.get(benchCase), ours.get(benchCase)));
    }
    System.out.println(BenchRow.table(rows));
    SpeedHistory.Entry entry =
        new SpeedHistory.Entry(
            LocalDate.now(ZoneOffset.UTC).toString(),
            commit,
            RunVersions.processorModel(),
            THREADS,
            rounds,
            steps,
            storage.name(),
            rows);
    List<SpeedHistory.Entry> history = SpeedHistory.read(SpeedHistory.FILE);
    SpeedHistory.newest(history, storage.name())
        .ifPresent(last -> System.out.println(SpeedHistory.since(last, entry)));
    if (out != null) {
      JSON.writeValue(out.toFile(), entry);
    }
    if (write) {
      SpeedHistory.append(SpeedHistory.FILE, entry);
      Files.writeString(
          SpeedHistory.PAGE,
          SpeedHistory.page(
              Files.readString(SpeedHistory.PAGE), SpeedHistory.read(SpeedHistory.FILE)));
    }
  }

  private List<TokenizedExample> userRows(BenchCase benchCase) {
    return BenchData.rows(BenchCase.USER_ROWS * 2, benchCase.labels, 49152, 1);
  }

  private List<TokenizedExample> alignmentRows(BenchCase benchCase) {
    return BenchData.rows(benchCase.alignmentExamples, BenchCase.Labels.HALF, 49152, 2);
  }

  private static void measure(
      String side,
      int round,
      BenchCase benchCase,
      Map<BenchCase, List<Measured>> into,
      Map<String, String> variables,
      List<String> command)
      throws IOException, InterruptedException {
    Path report = Path.of(command.get(command.indexOf("--out") + 1));
    Files.deleteIfExists(report);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    variables.forEach(builder.environment()::putIfAbsent);
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(THREADS));
    Path log = report.resolveSibling("log.txt");
    long start = System.nanoTime();
    int exit = builder.redirectOutput(log.toFile()).start().waitFor();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (exit != 0) {
      throw new IOException(side + " ended with " + exit + ":\n" + Files.readString(log));
    }
    Measured measured = Measured.of(JSON.readTree(report.toFile()), seconds);
    into.computeIfAbsent(benchCase, key -> new ArrayList<>()).add(measured);
    System.out.printf(
        "round %d  %-22s %-9s  %.2f CPU-s per step, %.0f MiB, to the first step %.1f s, loss %.5f%n",
        round,
        benchCase.title,
        side,
        BenchRow.median(measured.cpuSeconds()),
        measured.peakRssMib(),
        measured.startSeconds(),
        measured.losses().get(0));
  }

  private List<String> referenceCommand(BenchCase benchCase, Path model, Path scratch) {
    return List.of(
        reference.resolve("venv/bin/python").toString(),
        scripts.resolve("safegrad_reference.py").toString(),
        "--model",
        model.toString(),
        "--user",
        scratch.resolve("user.jsonl").toString(),
        "--align",
        scratch.resolve("alignment.jsonl").toString(),
        "--method",
        benchCase.alignmentRows == 0 ? "sft" : "safegrad",
        "--batch",
        Integer.toString(BenchCase.USER_ROWS),
        "--align-batch",
        Integer.toString(Math.max(1, benchCase.alignmentRows)),
        "--steps",
        Integer.toString(steps),
        "--threads",
        Integer.toString(THREADS),
        "--out",
        scratch.resolve("report.json").toString());
  }

  private List<String> ownCommand(BenchCase benchCase, Path model, Path scratch) {
    List<String> command = launch.command(StepWorker.class);
    command.addAll(
        List.of(
            "--case",
            benchCase.name(),
            "--model",
            model.toString(),
            "--steps",
            Integer.toString(steps),
            "--storage",
            storage.name(),
            "--gemms",
            "--threads",
            Integer.toString(THREADS),
            "--out",
            scratch.resolve("report.json").toString()));
    return command;
  }
}
