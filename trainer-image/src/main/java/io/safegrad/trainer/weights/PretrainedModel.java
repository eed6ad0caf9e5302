package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.Tokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** A model as it is found on the disk: its configuration, weights, vocabulary and chat template. */
public final class PretrainedModel implements Closeable {

  private final ObjectNode config;
  private final Weights weights;
  private final Tokenizer tokenizer;
  private final ChatTemplate chatTemplate;
  private final Set<Integer> endOfSequenceIds;
  private final Map<String, byte[]> companionFiles;

  PretrainedModel(
      ObjectNode config,
      Weights weights,
      Tokenizer tokenizer,
      ChatTemplate chatTemplate,
      Set<Integer> endOfSequenceIds,
      Map<String, byte[]> companionFiles) {
    this.config = config;
    this.weights = weights;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
    this.endOfSequenceIds = Set.copyOf(endOfSequenceIds);
    this.companionFiles = Map.copyOf(companionFiles);
  }

  /**
   * Opens a Hugging Face model directory, or a GGUF file.
   *
   * @throws TrainerException with SOURCE_UNAVAILABLE when nothing is at the path; with BAD_DATA
   *     when a file of the model is missing, broken or truncated
   */
  public static PretrainedModel open(Path directoryOrGguf) {
    return open(directoryOrGguf, config -> {});
  }

  /**
   * The same.
   *
   * @param check refuses a configuration that is of no use, before a directory's other files are
   *     looked at
   */
  public static PretrainedModel open(Path directoryOrGguf, Consumer<JsonNode> check) {
    if (Files.isDirectory(directoryOrGguf)) {
      return ModelDirectory.open(directoryOrGguf, check);
    }
    if (!Files.exists(directoryOrGguf)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          directoryOrGguf
              + ": expected a model directory or a .gguf file, but there is nothing at this path");
    }
    if (directoryOrGguf.toString().endsWith(".gguf")) {
      return GgufModel.open(directoryOrGguf, check);
    }
    throw TensorFile.badData(
        directoryOrGguf, "expected a model directory or a file whose name ends in .gguf");
  }

  /** The configuration in the form of Hugging Face's {@code config.json}, for GGUF too. */
  public JsonNode config() {
    return config;
  }

  /** The tensors under their Hugging Face names; open as long as this model. */
  public Weights weights() {
    return weights;
  }

  /** The vocabulary. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The template that turns a chat into text; refuses to render when the model has none. */
  public ChatTemplate chatTemplate() {
    return chatTemplate;
  }

  /** The tokens that end a reply; empty when the model names none. */
  public Set<Integer> endOfSequenceIds() {
    return endOfSequenceIds;
  }

  /**
   * The files that a copy of the model with other weights needs besides its configuration, by name:
   * {@code tokenizer.json}, {@code tokenizer_config.json}, {@code generation_config.json}, {@code
   * chat_template.jinja} and the like, as this model has them.
   */
  public Map<String, byte[]> companionFiles() {
    return companionFiles;
  }

  @Override
  public void close() {
    try {
      weights.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      tokenizer.close();
    }
  }
}
