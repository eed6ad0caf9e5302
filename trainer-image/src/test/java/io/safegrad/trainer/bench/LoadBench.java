package io.safegrad.trainer.bench;

import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
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
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How long a model takes to load, its operators included, beside how long its files take to read,
 * which a first round brings into the system's cache: into one buffer, and into memory that is new,
 * as a model's is.
 */
@Command(name = "load-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class LoadBench implements Runnable {

  private static final int BUFFER_BYTES = 1 << 20;
  // Above what launch scripts let the allocator keep in its heap.
  private static final int NEW_BYTES = 1 << 25;

  @Option(names = "--model", required = true, description = "A Hugging Face directory.")
  private Path directory;

  @Option(names = "--rounds", defaultValue = "5", description = "Default: ${DEFAULT-VALUE}.")
  private int rounds;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new LoadBench()).execute(arguments));
  }

  @Override
  public void run() {
    System.out.println(
        "| frozen weights | reading the files s | into new memory s | loading s | ratio | to new memory |");
    System.out.println("|---|---|---|---|---|---|");
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
    List<Double> kept = new ArrayList<>();
    List<Double> loaded = new ArrayList<>();
    for (int round = 0; round <= rounds; round++) {
      double reading = readSeconds();
      double keeping = keepSeconds();
      double loading = loadSeconds(storage);
      if (round > 0) {
        read.add(reading);
        kept.add(keeping);
        loaded.add(loading);
      }
    }
    double reading = BenchRow.median(read);
    double keeping = BenchRow.median(kept);
    double loading = BenchRow.median(loaded);
    return String.format(
        Locale.ROOT,
        "| %s | %.3f | %.3f | %.3f | **%.1f** | **%.1f** |",
        storage,
        reading,
        keeping,
        loading,
        loading / reading,
        loading / keeping);
  }

  private double readSeconds() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    return secondsToRead(() -> buffer.clear());
  }

  private double keepSeconds() throws IOException {
    try (Torch torch = Torch.open()) {
      return secondsToRead(
          () -> {
            Tensor tensor = torch.scope().host(NEW_BYTES / Float.BYTES);
            return tensor.bytes(0, NEW_BYTES / Float.BYTES);
          });
    }
  }

  private double secondsToRead(Supplier<ByteBuffer> buffers) throws IOException {
    long start = System.nanoTime();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".safetensors")).toList()) {
        try (FileChannel channel = FileChannel.open(file)) {
          while (channel.read(buffers.get()) > 0) {}
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
