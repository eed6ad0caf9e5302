package io.safegrad.trainer.bench;

import io.safegrad.api.v1alpha1.Method.Name;
import io.safegrad.api.v1alpha1.Model.Storage;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.api.v1alpha1.Training.Mode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a trainer's process expects to need of memory, and what it needs, as a table. */
@Command(name = "memory-bench", mixinStandardHelpOptions = true, sortOptions = false)
final class MemoryBench implements Callable<Integer> {

  private static final double MIB = 1 << 20;

  @Option(
      names = "--model",
      required = true,
      description = "A Hugging Face directory, or LLAMA or GEMMA2 for one with random weights.")
  private String model;

  @Option(
      names = "--further",
      description = "Mode Full, packing and long rows instead of storage and recomputation.")
  private boolean further;

  @Option(names = "--steps", defaultValue = "3", description = "Default: ${DEFAULT-VALUE}.")
  private int steps;

  public static void main(String... arguments) {
    System.exit(new CommandLine(new MemoryBench()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    System.out.println(
        "| method | mode | storage | batch | recomputation | estimate MiB | measured MiB | ratio |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    Path start = Path.of(model).toAbsolutePath();
    for (RandomModel.Family family : RandomModel.Family.values()) {
      if (model.equals(family.name())) {
        start = RandomModel.write(Files.createTempDirectory("memory-bench").resolve(model), family);
      }
    }
    for (MemoryCase one : further ? furtherCases() : cases()) {
      Path folder = Files.createTempDirectory("memory-bench");
      MemoryRun run =
          MemoryRun.of(
              one,
              Path.of("trainer-image/bin/safegrad-trainer").toAbsolutePath(),
              start,
              folder,
              steps);
      System.out.printf(
          Locale.ROOT,
          "| %s | %.0f | %.0f | %.2f |%n",
          one.cells(),
          run.estimateBytes() / MIB,
          run.peakBytes() / MIB,
          run.ratio());
    }
    return 0;
  }

  private static List<MemoryCase> furtherCases() {
    GradientCheckpointing never = GradientCheckpointing.Never;
    return List.of(
        new MemoryCase(Name.Sft, Storage.Float32, 2, 128, never, Mode.Full, false),
        new MemoryCase(Name.SafeGrad, Storage.Float32, 1, 256, never, Mode.Full, false),
        new MemoryCase(Name.Sft, Storage.Float32, 2, 256, never, Mode.Lora, true),
        new MemoryCase(Name.SafeGrad, Storage.BFloat16, 2, 256, never, Mode.Lora, true),
        new MemoryCase(Name.Sft, Storage.BFloat16, 1, 1024, never, Mode.Lora, false));
  }

  private static List<MemoryCase> cases() {
    List<MemoryCase> cases = new ArrayList<>();
    for (Name method : List.of(Name.Sft, Name.SafeGrad)) {
      for (Storage storage : Storage.values()) {
        cases.add(new MemoryCase(method, storage, 4, 128, GradientCheckpointing.Never));
        cases.add(new MemoryCase(method, storage, 4, 128, GradientCheckpointing.Always));
      }
    }
    cases.add(new MemoryCase(Name.Sft, Storage.Float32, 1, 1024, GradientCheckpointing.Never));
    cases.add(new MemoryCase(Name.Sft, Storage.Float32, 1, 1024, GradientCheckpointing.Always));
    cases.add(new MemoryCase(Name.SafeGrad, Storage.Int8, 1, 1024, GradientCheckpointing.Never));
    return cases;
  }
}
