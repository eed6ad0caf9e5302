package io.safegrad.trainer.export;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What is in the files of a model beside its weights. */
final class CompanionFiles {

  private CompanionFiles() {}

  /** A JSON file; a missing node where there is none. */
  static JsonNode json(PretrainedModel model, String name) {
    byte[] bytes = model.companionFiles().get(name);
    try {
      return bytes == null ? MissingNode.getInstance() : new ObjectMapper().readTree(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The chat template as its author wrote it. */
  static Optional<String> chatTemplate(PretrainedModel model) {
    byte[] file = model.companionFiles().get("chat_template.jinja");
    if (file != null) {
      return Optional.of(new String(file, StandardCharsets.UTF_8));
    }
    JsonNode template = json(model, "tokenizer_config.json").path("chat_template");
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default")) {
        return Optional.of(named.path("template").asText());
      }
    }
    return template.isTextual() ? Optional.of(template.asText()) : Optional.empty();
  }
}
