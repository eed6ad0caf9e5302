package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Reads the files of a Hugging Face model directory. */
final class ModelDirectory {

  static final String CONFIG = "config.json";
  static final String TOKENIZER = "tokenizer.json";
  static final String TOKENIZER_CONFIG = "tokenizer_config.json";
  static final String GENERATION_CONFIG = "generation_config.json";
  static final String CHAT_TEMPLATE = "chat_template.jinja";

  /** What a copy of the model with other weights needs besides its configuration. */
  private static final List<String> COMPANIONS =
      List.of(
          TOKENIZER,
          TOKENIZER_CONFIG,
          GENERATION_CONFIG,
          CHAT_TEMPLATE,
          "special_tokens_map.json",
          "added_tokens.json");

  private ModelDirectory() {}

  static PretrainedModel open(Path directory, Consumer<JsonNode> check) {
    ObjectNode config = JsonFile.readObject(directory.resolve(CONFIG));
    try {
      check.accept(config);
    } catch (TrainerException e) {
      // A run may have several models, and each a config.json.
      throw new TrainerException(e.reason(), directory + "/" + e.getMessage(), e);
    }
    ObjectNode tokenizerJson = JsonFile.readObject(directory.resolve(TOKENIZER));
    Optional<ObjectNode> tokenizerConfig = readIfPresent(directory.resolve(TOKENIZER_CONFIG));
    Optional<String> bos = tokenizerConfig.flatMap(json -> specialToken(json, "bos_token"));
    Optional<String> eos = tokenizerConfig.flatMap(json -> specialToken(json, "eos_token"));
    ChatTemplate template = chatTemplate(directory, tokenizerConfig, bos, eos);
    Weights weights = SafetensorsWeights.open(directory);
    try {
      Tokenizer tokenizer = Tokenizer.of(tokenizerJson, directory.resolve(TOKENIZER), bos, eos);
      Set<Integer> ends = endOfSequenceIds(directory, config);
      tokenizer.endOfSequenceId().ifPresent(ends::add);
      return new PretrainedModel(
          config, weights, tokenizer, template, ends, companionFiles(directory));
    } catch (RuntimeException e) {
      try {
        weights.close();
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e;
    }
  }

  private static Map<String, byte[]> companionFiles(Path directory) {
    Map<String, byte[]> files = new TreeMap<>();
    for (String name : COMPANIONS) {
      Path file = directory.resolve(name);
      if (Files.isRegularFile(file)) {
        try {
          files.put(name, Files.readAllBytes(file));
        } catch (IOException e) {
          throw TensorFile.unreadable(file, e);
        }
      }
    }
    return files;
  }

  private static Optional<ObjectNode> readIfPresent(Path path) {
    return Files.exists(path) ? Optional.of(JsonFile.readObject(path)) : Optional.empty();
  }

  /** A special token is a string, or an AddedToken object with its text in {@code content}. */
  private static Optional<String> specialToken(JsonNode tokenizerConfig, String field) {
    JsonNode token = tokenizerConfig.path(field);
    String text = token.isObject() ? token.path("content").asText() : token.asText();
    return token.isMissingNode() || token.isNull() || text.isEmpty()
        ? Optional.empty()
        : Optional.of(text);
  }

  private static ChatTemplate chatTemplate(
      Path directory,
      Optional<ObjectNode> tokenizerConfig,
      Optional<String> bos,
      Optional<String> eos) {
    Map<String, String> specialTokens = new TreeMap<>();
    bos.ifPresent(text -> specialTokens.put("bos_token", text));
    eos.ifPresent(text -> specialTokens.put("eos_token", text));
    tokenizerConfig
        .flatMap(json -> specialToken(json, "pad_token"))
        .ifPresent(text -> specialTokens.put("pad_token", text));
    tokenizerConfig
        .flatMap(json -> specialToken(json, "unk_token"))
        .ifPresent(text -> specialTokens.put("unk_token", text));
    Path file = directory.resolve(CHAT_TEMPLATE);
    if (Files.exists(file)) {
      try {
        return ChatTemplate.of(Files.readString(file), file.toString(), specialTokens);
      } catch (CharacterCodingException e) {
        throw TensorFile.badData(file, "expected UTF-8, found other bytes");
      } catch (IOException e) {
        throw TensorFile.unreadable(file, e);
      }
    }
    Path configFile = directory.resolve(TOKENIZER_CONFIG);
    return tokenizerConfig
        .flatMap(json -> templateText(json.path("chat_template"), configFile))
        .map(text -> ChatTemplate.of(text, configFile.toString(), specialTokens))
        .orElseGet(() -> ChatTemplate.missing(directory.toString()));
  }

  /**
   * The template is a string, or a list of named templates of which {@code default} is for chats.
   */
  private static Optional<String> templateText(JsonNode template, Path file) {
    if (template.isTextual()) {
      return Optional.of(template.asText());
    }
    if (template.isMissingNode() || template.isNull()) {
      return Optional.empty();
    }
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return Optional.of(named.path("template").asText());
      }
    }
    throw TensorFile.badData(
        file,
        "field chat_template: expected a text, or a list of {name, template} with the name"
            + " default");
  }

  /**
   * {@code eos_token_id} of generation_config.json and config.json, each a number or a list; the
   * former is what Hugging Face's generation uses, the latter is its fallback.
   */
  private static Set<Integer> endOfSequenceIds(Path directory, JsonNode config) {
    Path file = directory.resolve(GENERATION_CONFIG);
    Set<Integer> ids = new LinkedHashSet<>();
    readIfPresent(file).ifPresent(json -> addIds(ids, json, file));
    if (ids.isEmpty()) {
      addIds(ids, config, directory.resolve(CONFIG));
    }
    return ids;
  }

  private static void addIds(Set<Integer> ids, JsonNode json, Path file) {
    JsonNode field = json.path("eos_token_id");
    if (field.isMissingNode() || field.isNull()) {
      return;
    }
    for (JsonNode id : field.isArray() ? field : Set.of(field)) {
      if (!id.canConvertToInt() || !id.isIntegralNumber() || id.asInt() < 0) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            file + ": field eos_token_id: expected a token id or a list of token ids");
      }
      ids.add(id.asInt());
    }
  }
}
