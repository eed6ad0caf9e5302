package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.export.MergedWeights;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The options that say which model a command works on. */
final class ModelOptions {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "A Hugging Face directory, a .gguf file, or an address as in spec.model.source:"
              + " builtin://, hf://, https://, pvc://, s3://.")
  private String model;

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      description = "Commit, tag or branch of an hf:// address.")
  private String revision;

  @Option(
      names = "--digest",
      paramLabel = "DIGEST",
      description = "The sha256:… that the model must have; required for https://.")
  private String digest;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "A PEFT adapter of this model, which is added to it.")
  private String adapter;

  /**
   * Opens the model.
   *
   * @throws io.safegrad.trainer.TrainerException when it cannot be used, or the adapter is not one
   *     of it
   */
  OpenedModel open(Locations locations) {
    PretrainedModel pretrained =
        PretrainedModel.open(
            locations.find("model.source", model, revision, digest), ModelConfig::of);
    try {
      Weights weights = pretrained.weights();
      if (adapter != null) {
        weights = MergedWeights.of(weights, PeftAdapter.read(adapterDirectory(locations)));
      }
      return new OpenedModel(pretrained, ModelConfig.of(pretrained.config()), weights);
    } catch (RuntimeException e) {
      pretrained.close();
      throw e;
    }
  }

  private Path adapterDirectory(Locations locations) {
    Path directory = locations.find("adapter", adapter, null, null);
    if (!Files.isDirectory(directory)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "--adapter: there is no directory %s; expected one with adapter_config.json"
              .formatted(adapter));
    }
    return directory;
  }

  /** The model as it was named. */
  String model() {
    return model;
  }

  /** The adapter as it was named; null for none. */
  String adapter() {
    return adapter;
  }
}
