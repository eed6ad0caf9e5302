package io.safegrad.trainer.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.data.ChatTemplate;
import io.safegrad.trainer.data.Tokenizer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** Reads a whole model from one GGUF file. */
final class GgufModel {

  /** The tokens that end a reply: of the sequence, and of a turn. */
  private static final List<String> END_TOKENS =
      List.of("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id");

  private GgufModel() {}

  static PretrainedModel open(Path path, Consumer<JsonNode> check) {
    TensorFile file = TensorFile.open(path);
    try {
      GgufHeader header = GgufHeader.read(file);
      GgufMetadata metadata = header.metadata();
      ObjectNode config = GgufConfig.read(file, header);
      check.accept(config);
      ObjectNode tokenizerJson = GgufTokenizer.read(file, metadata);
      Optional<String> bos = token(metadata, "tokenizer.ggml.bos_token_id");
      Optional<String> eos = token(metadata, "tokenizer.ggml.eos_token_id");
      Set<Integer> ends = new LinkedHashSet<>();
      for (String key : END_TOKENS) {
        if (metadata.has(key)) {
          ends.add(tokenId(metadata, key, tokens(metadata)));
        }
      }
      ChatTemplate template = chatTemplate(path, metadata, bos, eos);
      GgufWeights weights = GgufWeights.of(file, header);
      Tokenizer tokenizer = Tokenizer.of(tokenizerJson, path, bos, eos);
      return new PretrainedModel(
          config,
          weights,
          tokenizer,
          template,
          ends,
          companionFiles(metadata, tokenizerJson, bos, eos, ends));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static Map<String, byte[]> companionFiles(
      GgufMetadata metadata,
      ObjectNode tokenizerJson,
      Optional<String> bos,
      Optional<String> eos,
      Set<Integer> ends) {
    ObjectNode tokenizerConfig = JsonNodeFactory.instance.objectNode();
    tokenizerConfig.put("tokenizer_class", "PreTrainedTokenizerFast");
    tokenizerConfig.put("clean_up_tokenization_spaces", false);
    bos.ifPresent(text -> tokenizerConfig.put("bos_token", text));
    eos.ifPresent(text -> tokenizerConfig.put("eos_token", text));
    metadata
        .optionalText("tokenizer.chat_template")
        .ifPresent(text -> tokenizerConfig.put("chat_template", text));
    ObjectNode generationConfig = JsonNodeFactory.instance.objectNode();
    ends.forEach(generationConfig.putArray("eos_token_id")::add);
    ObjectNode tokenizerFile = tokenizerJson.deepCopy().put("version", "1.0");
    return Map.of(
        ModelDirectory.TOKENIZER, JsonFile.bytes(tokenizerFile),
        ModelDirectory.TOKENIZER_CONFIG, JsonFile.bytes(tokenizerConfig),
        ModelDirectory.GENERATION_CONFIG, JsonFile.bytes(generationConfig));
  }

  private static Optional<String> token(GgufMetadata metadata, String key) {
    if (!metadata.has(key)) {
      return Optional.empty();
    }
    List<String> tokens = tokens(metadata);
    return Optional.of(tokens.get(tokenId(metadata, key, tokens)));
  }

  private static List<String> tokens(GgufMetadata metadata) {
    return metadata.list("tokenizer.ggml.tokens", String.class);
  }

  private static int tokenId(GgufMetadata metadata, String key, List<String> tokens) {
    long id = metadata.integer(key);
    if (id < 0 || id >= tokens.size()) {
      throw TensorFile.badData(
          metadata.path(),
          "field " + key + ": expected a token id below " + tokens.size() + ", found " + id);
    }
    return (int) id;
  }

  private static ChatTemplate chatTemplate(
      Path path, GgufMetadata metadata, Optional<String> bos, Optional<String> eos) {
    Map<String, String> specialTokens = new HashMap<>();
    bos.ifPresent(text -> specialTokens.put("bos_token", text));
    eos.ifPresent(text -> specialTokens.put("eos_token", text));
    return metadata
        .optionalText("tokenizer.chat_template")
        .map(text -> ChatTemplate.of(text, path + " (tokenizer.chat_template)", specialTokens))
        .orElseGet(() -> ChatTemplate.missing(path.toString()));
  }
}
