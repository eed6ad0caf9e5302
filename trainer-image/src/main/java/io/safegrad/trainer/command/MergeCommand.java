package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.export.GgufModel;
import io.safegrad.trainer.export.HuggingFaceModel;
import io.safegrad.trainer.weights.StorageType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code safegrad-trainer merge}. */
@Command(
    name = "merge",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Adds an adapter to its model and writes the result as a model of its own: a Hugging Face"
          + " directory with tokenizer, chat template and configuration, or one GGUF file.",
      "The sum is taken in float32 and rounded once. Without --adapter the model itself is written."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer merge --model hf://org/name --adapter ./adapter --output ./merged",
      "  safegrad-trainer merge --model ./merged --output ./model.gguf --dtype q8_0"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:it is written",
      "64:the command line is wrong, or the model is not supported",
      "65:the model or the adapter is unusable, or they do not belong together",
      "69:the model cannot be reached",
      "70:a fault of the program or of its machine, a full disk among them",
      "71:out of memory"
    })
final class MergeCommand implements Callable<Integer> {

  /** Types by PyTorch's names, and by ggml's where PyTorch has none. */
  enum Dtype {
    float32,
    bfloat16,
    float16,
    q8_0;

    StorageType type() {
      return StorageType.valueOf(name().toUpperCase(Locale.ROOT));
    }
  }

  private static final String GGUF = ".gguf";

  @ParentCommand private TrainerCommand trainer;

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR|FILE.gguf",
      description = "What to write, which is not there yet: GGUF when the name ends so.")
  private Path output;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description =
          "How weights are stored: ${COMPLETION-CANDIDATES}; as the model has them when absent.")
  private Dtype dtype;

  @Option(
      names = "--max-shard-size",
      paramLabel = "SIZE",
      defaultValue = "5GB",
      description = "Larger models are split into files of at most this size (default: 5GB).")
  private String maxShardSize;

  @Override
  public Integer call() throws IOException {
    boolean gguf = output.toString().endsWith(GGUF);
    if (dtype == Dtype.q8_0 && !gguf) {
      throw badOption("--dtype: q8_0 is for GGUF; expected an --output that ends in " + GGUF);
    }
    long shardBytes = bytes(maxShardSize);
    try (StagedOutput staged = StagedOutput.at(output);
        Locations locations = new Locations(trainer.context());
        OpenedModel opened = model.open(locations)) {
      if (gguf) {
        writeGguf(opened, staged.path());
      } else {
        writeDirectory(opened, shardBytes, staged.path());
      }
      staged.publish();
    }
    trainer.context().out().println("written: " + output);
    return ExitReason.SUCCESS.code();
  }

  private void writeGguf(OpenedModel opened, Path file) {
    StorageType type = dtype == null ? StorageType.FLOAT16 : dtype.type();
    String name = output.getFileName().toString().replaceFirst("\\.gguf$", "");
    GgufModel.write(opened.pretrained(), opened.weights(), type, name, file);
  }

  private void writeDirectory(OpenedModel opened, long shardBytes, Path directory)
      throws IOException {
    StorageType type =
        dtype == null
            ? HuggingFaceModel.typeOf(opened.pretrained().config()).orElse(StorageType.FLOAT32)
            : dtype.type();
    Files.createDirectory(directory);
    HuggingFaceModel.write(opened.pretrained(), opened.weights(), type, shardBytes, directory);
  }

  private long bytes(String text) {
    if (!text.matches("[1-9]\\d{0,8}[KMG]B")) {
      throw badOption(
          "--max-shard-size: expected a number of KB, MB or GB, for example 5GB, found " + text);
    }
    long unit =
        switch (text.charAt(text.length() - 2)) {
          case 'K' -> 1_000L;
          case 'M' -> 1_000_000L;
          default -> 1_000_000_000L;
        };
    return Long.parseLong(text.substring(0, text.length() - 2)) * unit;
  }

  private ParameterException badOption(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
