package io.safegrad.trainer.bench;

import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long a model takes to load beside how long its files take to read, which a first round brings
 * into the system's cache.
 */
@Command(name = "load-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class LoadBench implements Runnable {

  private static final int BUFFER_BYTES = 1 << 20;

  @Option(names = "--model", required = true, description = "A Hugging Face directory.")
  private Path directory;

  @Option(names = "--rounds", defaultValue = "5", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new LoadBench()).execute(arguments));
  }

  @Override
  public void run() {
    System.out.println("| frozen weights | reading the files s | loading s | ratio |");
    System.out.println("|---|---|---|---|");
    try {
      for (Model.Storage storage : Model.Storage.values()) {
        System.out.println(row(storage));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String row(Model.Storage storage) throws IOException {
    List<Double> read = new ArrayList<>();
    List<Double> loaded = new ArrayList<>();
    for (int round = 0; round <= rounds; round++) {
      double reading = readSeconds();
      double loading = loadSeconds(storage);
      if (round > 0) {
        read.add(reading);
        loaded.add(loading);
      }
    }
    double reading = BenchRow.median(read);
    double loading = BenchRow.median(loaded);
    return String.format(
        Locale.ROOT,
        "| %s | %.3f | %.3f | **%.1f** |",
        storage,
        reading,
        loading,
        loading / reading);
  }

  private double readSeconds() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    long start = System.nanoTime();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".safetensors")).toList()) {
        try (FileChannel channel = FileChannel.open(file)) {
          while (channel.read(buffer.clear()) > 0) {}
        }
      }
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private double loadSeconds(Model.Storage storage) throws IOException {
    try (PretrainedModel pretrained = PretrainedModel.open(directory)) {
      ModelConfig config = ModelConfig.of(pretrained.config());
      long start = System.nanoTime();
      try (CausalLm model =
          CausalLm.load(
              config,
              pretrained.weights(),
              StepWorker.training(1, BenchCase.LENGTH, GradientCheckpointing.Never),
              storage)) {
        return (System.nanoTime() - start) / 1e9;
      }
    }
  }
}
