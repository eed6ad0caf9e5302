package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.export.HuggingFaceModel;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.StorageType;
import io.safegrad.trainer.weights.TensorContents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The files of what was trained: a PEFT adapter, or a whole model. */
final class ArtifactFiles {

  private static final List<String> WEIGHTS =
      List.of("adapter_model.safetensors", "model.safetensors");

  private ArtifactFiles() {}

  /**
   * Writes what was trained into an empty folder and describes it.
   *
   * @param uri the address that the folder will have
   */
  static RunReport.Artifact write(
      String uri, TrainingPlan plan, CausalLm model, RunInputs inputs, Path folder)
      throws IOException {
    Training training = plan.training();
    switch (training.mode()) {
      case Lora ->
          PeftAdapter.write(
              folder,
              model.trainedTensors(),
              training.lora(),
              baseModelName(inputs),
              inputs.model().commit());
      case Full ->
          HuggingFaceModel.write(
              inputs.pretrained(),
              TensorContents.of(model.trainedTensors()),
              StorageType.FLOAT32,
              Long.MAX_VALUE,
              folder);
    }
    return describe(uri, folder);
  }

  /** PEFT takes a path or org/name without a scheme; others are named as the plan names them. */
  private static String baseModelName(RunInputs inputs) {
    return inputs.model().uri().replaceFirst("^(file|hf)://", "");
  }

  private static RunReport.Artifact describe(String uri, Path folder) throws IOException {
    List<RunReport.PublishedFile> files = new ArrayList<>();
    String digest = null;
    try (Stream<Path> paths = Files.list(folder)) {
      for (Path path : paths.sorted().toList()) {
        String name = path.getFileName().toString();
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
