package io.safegrad.trainer.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.TensorListing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What a model is: a Hugging Face directory, or a GGUF file. */
final class ModelInspection {

  private ModelInspection() {}

  static Inspection directory(Path path) throws IOException {
    Inspection inspection = new Inspection(path, "Hugging Face model directory");
    List<Path> files = Inspector.weightFiles(path);
    inspection.facts().put("files", files.size());
    inspection.facts().put("bytes", Inspector.bytes(files));
    inspection.look(() -> Inspector.putTensors(inspection, Inspector.listing(files)));
    inspection.look(() -> putModel(inspection, path));
    return inspection;
  }

  static Inspection gguf(Path path) throws IOException {
    Inspection inspection = new Inspection(path, "GGUF model");
    inspection.facts().put("bytes", Files.size(path));
    inspection.look(
        () -> {
          TensorListing listing = TensorListing.ofGguf(path);
          inspection.facts().put("ggufArchitecture", listing.architecture().orElse(null));
          Inspector.putTensors(inspection, listing);
        });
    inspection.look(() -> putModel(inspection, path));
    return inspection;
  }

  private static void putModel(Inspection inspection, Path path) {
    try (PretrainedModel model = PretrainedModel.open(path)) {
      ObjectNode facts = inspection.facts();
      JsonNode json = model.config();
      facts.set("architecture", json.path("architectures").path(0));
      facts.set("context", json.path("max_position_embeddings"));
      facts.put("chatTemplate", !model.chatTemplate().isMissing());
      model.endOfSequenceIds().stream().sorted().forEach(facts.putArray("endTokens")::add);
      inspection.look(() -> putArchitecture(inspection, ModelConfig.of(json)));
      if (model.chatTemplate().isMissing()) {
        inspection.problem("it has no chat template: only prompts and completions can be used");
      }
      if (model.endOfSequenceIds().isEmpty()) {
        inspection.problem("it names no end-of-sequence token: replies go on to their limit");
      }
    }
  }

  private static void putArchitecture(Inspection inspection, ModelConfig config) {
    ObjectNode facts = inspection.facts();
    facts.put("layers", config.layers());
    facts.put("hiddenSize", config.hiddenSize());
    facts.put("heads", config.heads());
    facts.put("keyValueHeads", config.keyValueHeads());
    facts.put("vocabulary", config.vocabSize());
  }
}
