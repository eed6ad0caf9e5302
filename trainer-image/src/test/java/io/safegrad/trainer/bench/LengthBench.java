package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.model.ModelConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How speed and memory change with the length of the rows: SFT steps of four rows, labels on half,
 * each length in a process of its own, started as {@code bin/safegrad-trainer} starts. Tokens in a
 * CPU second stand beside what they would be, given the first length's, if a step took time by its
 * floating-point operations alone.
 */
@Command(name = "length-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class LengthBench implements Runnable {

  private static final BenchCase CASE = BenchCase.SFT_LABELS_ON_HALF;
  private static final String THREADS = "2";
  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = "--model",
      required = true,
      description =
          "A Hugging Face model directory, SmolLM2-135M for the figures of the documents.")
  private Path model;

  @Option(
      names = "--lengths",
      split = ",",
      defaultValue = "128,256,512,1024,2048",
      description = "Default: ${DEFAULT-VALUE}.")
  private List<Integer> lengths;

  @Option(
      names = "--steps",
      defaultValue = "3",
      description = "The first of them is not counted. Default: ${DEFAULT-VALUE}.")
  private int steps;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new LengthBench()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      measure(LaunchSettings.of(Path.of("trainer-image", "bin", "safegrad-trainer")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void measure(LaunchSettings launch) throws IOException, InterruptedException {
    ModelConfig config = ModelConfig.of(JSON.readTree(model.resolve("config.json").toFile()));
    System.out.println(
        "| positions | recomputation | CPU s of a step | tokens in a CPU s | by its operations"
            + " | ratio | peak RSS MiB | MiB for each 1,024 tokens more |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    Row first = null;
    Row last = null;
    for (int length : lengths) {
      Row row = row(launch, length, GradientCheckpointing.Never);
      first = first == null ? row : first;
      print(config, row, first, last);
      last = row;
    }
    Row again = row(launch, last.length(), GradientCheckpointing.Always);
    print(config, again, first, null);
    System.out.printf(
        Locale.ROOT,
        "%nRSS at %d positions with recomputation, over without: %.2f%n",
        again.length(),
        again.peakMib() / last.peakMib());
  }

  /**
   * What a process measured.
   *
   * @param cpuSeconds of a step, the median
   */
  private record Row(
      int length, GradientCheckpointing checkpointing, double cpuSeconds, double peakMib) {

    int tokens() {
      return BenchCase.USER_ROWS * length;
    }

    double tokensPerCpuSecond() {
      return tokens() / cpuSeconds;
    }
  }

  private static void print(ModelConfig config, Row row, Row first, Row last) {
    double expected =
        first.tokensPerCpuSecond()
            * operations(config, first.length(), GradientCheckpointing.Never)
            / operations(config, row.length(), row.checkpointing());
    System.out.printf(
        Locale.ROOT,
        "| %d | %s | %.2f | %.1f | %.1f | **%.2f** | %.0f | %s |%n",
        row.length(),
        row.checkpointing(),
        row.cpuSeconds(),
        row.tokensPerCpuSecond(),
        expected,
        row.tokensPerCpuSecond() / expected,
        row.peakMib(),
        last == null
            ? ""
            : String.format(
                Locale.ROOT,
                "%.0f",
                1024 * (row.peakMib() - last.peakMib()) / (row.tokens() - last.tokens())));
  }

  /**
   * Floating-point operations for one token: the products with frozen weights and with the head at
   * half of the positions, forward and by the input, and the attention's, two products forward and
   * five back, to all positions before a token and its own.
   */
  private static double operations(
      ModelConfig config, int length, GradientCheckpointing checkpointing) {
    long q = (long) config.heads() * config.headDim();
    long kv = (long) config.keyValueHeads() * config.headDim();
    double linears =
        2.0
            * config.hiddenSize()
            * (2 * q + 2 * kv + 3L * config.intermediateSize())
            * config.layers();
    double product = 2.0 * q * (length + 1) / 2 * config.layers();
    double head = 2.0 * config.hiddenSize() * config.vocabSize() / 2;
    double forward = linears + 2 * product;
    double again = checkpointing == GradientCheckpointing.Always ? forward : 0;
    return forward + again + linears + 5 * product + 2 * head;
  }

  private Row row(LaunchSettings launch, int length, GradientCheckpointing checkpointing)
      throws IOException, InterruptedException {
    Path report = Files.createTempFile("length-bench", ".json");
    Path log = Files.createTempFile("length-bench", ".txt");
    List<String> command = launch.command(StepWorker.class);
    command.addAll(List.of("--case", CASE.name(), "--model", model.toString()));
    command.addAll(List.of("--steps", "" + steps, "--length", "" + length));
    command.addAll(List.of("--checkpointing", checkpointing.name()));
    command.addAll(List.of("--threads", THREADS, "--out", report.toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    launch.variables().forEach(builder.environment()::putIfAbsent);
    builder.environment().put("OMP_NUM_THREADS", THREADS);
    int exit = builder.start().waitFor();
    if (exit != 0) {
      throw new IOException(
          "%d positions ended with %d:%n%s".formatted(length, exit, Files.readString(log)));
    }
    Measured measured = Measured.of(JSON.readTree(report.toFile()), 0);
    return new Row(
        length, checkpointing, BenchRow.median(measured.cpuSeconds()), measured.peakRssMib());
  }
}
