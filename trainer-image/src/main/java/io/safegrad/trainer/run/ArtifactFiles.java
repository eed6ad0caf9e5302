package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Output.Format;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.export.GgufModel;
import io.safegrad.trainer.export.HuggingFaceModel;
import io.safegrad.trainer.export.MergedWeights;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** The files of what was trained, in the forms that the plan asks for, and their model card. */
final class ArtifactFiles {

  private static final List<String> WEIGHTS =
      List.of("adapter_model.safetensors", "model.safetensors");

  private static final String MODEL_CARD = "README.md";

  private final TrainingPlan plan;
  private final RunInputs inputs;
  private final Set<Format> formats;

  ArtifactFiles(TrainingPlan plan, RunInputs inputs) {
    this.plan = plan;
    this.inputs = inputs;
    this.formats = Set.copyOf(plan.output().formatsOrDefault());
  }

  /**
   * Refuses, before anything is trained, a model that one of the forms cannot hold.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_PLAN naming what is not supported
   */
  void requireWritable() {
    if (formats.contains(Format.GgufF16) || formats.contains(Format.GgufQ8_0)) {
      GgufModel.requireWritable(inputs.pretrained());
    }
  }

  /** What PEFT takes as base model: org/name or a path; others are named as the plan does. */
  String baseModelName() {
    return inputs.model().uri().replaceFirst("^(file|hf)://", "");
  }

  /**
   * Writes what was trained into an empty folder and describes it.
   *
   * @param uri the address that the folder will have
   * @param modelCard Markdown
   */
  RunReport.Artifact write(String uri, CausalLm model, String modelCard, Path folder)
      throws IOException {
    if (formats.contains(Format.Adapter)) {
      writeTrained(model, folder);
    }
    try (Weights whole = wholeModel(model)) {
      if (formats.contains(Format.Merged)) {
        PretrainedModel start = inputs.pretrained();
        StorageType type = HuggingFaceModel.typeOf(start.config()).orElse(StorageType.FLOAT32);
        Path merged = Files.createDirectory(folder.resolve("merged"));
        HuggingFaceModel.write(start, whole, type, HuggingFaceModel.DEFAULT_SHARD_BYTES, merged);
      }
      for (Format format : List.of(Format.GgufF16, Format.GgufQ8_0)) {
        if (formats.contains(format)) {
          writeGguf(whole, format, folder);
        }
      }
    }
    String digest = formats.contains(Format.Adapter) ? null : Sha256.ofDirectory(folder);
    Files.writeString(folder.resolve(MODEL_CARD), modelCard, StandardCharsets.UTF_8);
    return describe(uri, digest, folder);
  }

  private void writeTrained(CausalLm model, Path folder) {
    Training training = plan.training();
    switch (training.mode()) {
      case Lora ->
          PeftAdapter.write(
              folder,
              model.trained().copies(),
              training.lora(),
              baseModelName(),
              inputs.model().commit());
      case Full ->
          HuggingFaceModel.write(
              inputs.pretrained(),
              model.trained().weights(),
              StorageType.FLOAT32,
              Long.MAX_VALUE,
              folder);
    }
  }

  private Weights wholeModel(CausalLm model) {
    return switch (plan.training().mode()) {
      case Lora ->
          MergedWeights.of(
              inputs.pretrained().weights(),
              new PeftAdapter(plan.training().lora(), null, null, model.trained().copies()));
      case Full -> model.trained().weights();
    };
  }

  private void writeGguf(Weights whole, Format format, Path folder) throws IOException {
    StorageType type = format == Format.GgufF16 ? StorageType.FLOAT16 : StorageType.Q8_0;
    String name = plan.run().substring(plan.run().indexOf('/') + 1);
    String suffix = format.name().replace("Gguf", "").toLowerCase(Locale.ROOT);
    Path gguf = Files.createDirectories(folder.resolve("gguf"));
    GgufModel.write(
        inputs.pretrained(), whole, type, name, gguf.resolve("%s-%s.gguf".formatted(name, suffix)));
  }

  /**
   * @param directoryDigest stands for the artifact when it has no weights of its own in the folder
   */
  private static RunReport.Artifact describe(String uri, String directoryDigest, Path folder)
      throws IOException {
    List<RunReport.PublishedFile> files = new ArrayList<>();
    String digest = directoryDigest;
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.filter(Files::isRegularFile).sorted().toList()) {
        String name = folder.relativize(path).toString();
        String sha256 = Sha256.ofFile(path);
        files.add(new RunReport.PublishedFile(name, Files.size(path), sha256));
        if (WEIGHTS.contains(name)) {
          digest = sha256;
        }
      }
    }
    return new RunReport.Artifact(uri, digest, files);
  }
}
