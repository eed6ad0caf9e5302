package io.safegrad.trainer.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Our side of {@link GenerationBench}: replies in a process of its own and reports. */
@Command(name = "generation-worker")
final class GenerationWorker implements Runnable {

  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  @Option(names = "--model", required = true)
  private Path directory;

  @Option(names = "--prompts", required = true)
  private Path prompts;

  @Option(names = "--batch", required = true)
  private int batch;

  @Option(names = "--tokens", required = true)
  private int tokens;

  @Option(names = "--threads", required = true)
  private int threads;

  @Option(names = "--whole")
  private boolean whole;

  @Option(names = "--out", required = true)
  private Path out;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new GenerationWorker()).execute(arguments));
  }

  @Override
  public void run() {
    try {
      reply();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void reply() throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<int[]> all = Arrays.asList(json.readValue(prompts.toFile(), int[][].class));
    List<int[]> replies = new ArrayList<>();
    try (PretrainedModel pretrained = PretrainedModel.open(directory);
        CausalLm model = CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights())) {
      model.torch().setThreads(threads);
      Set<Integer> ends = whole ? Set.of() : pretrained.endOfSequenceIds();
      long cpu = PROCESS.getProcessCpuTime();
      long wall = System.nanoTime();
      for (int from = 0; from < all.size(); from += batch) {
        List<int[]> some = all.subList(from, Math.min(all.size(), from + batch));
        replies.addAll(model.generate(some, tokens, ends));
      }
      json.writeValue(
          out.toFile(),
          Map.of(
              "cpu_s",
              (PROCESS.getProcessCpuTime() - cpu) / 1e9,
              "wall_s",
              (System.nanoTime() - wall) / 1e9,
              "peak_rss_mib",
              Measured.ownPeakRssMib(),
              "replies",
              replies));
    }
  }
}
