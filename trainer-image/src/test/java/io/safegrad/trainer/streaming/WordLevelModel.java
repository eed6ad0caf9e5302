package io.safegrad.trainer.streaming;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The built-in model with a tokenizer that knows whole words: as many tokens as a large model's
 * has, in a fraction of its time.
 */
final class WordLevelModel {

  private static final Path BUILTIN =
      Path.of("src/main/resources/builtin/models/tiny-aligned").toAbsolutePath();

  private WordLevelModel() {}

  /** Makes the model's folder. */
  static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(BUILTIN)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    ObjectMapper json = new ObjectMapper();
    Path file = folder.resolve("tokenizer.json");
    ObjectNode tokenizer = (ObjectNode) json.readTree(file.toFile());
    tokenizer.putNull("normalizer");
    tokenizer.putNull("post_processor");
    tokenizer.putNull("decoder");
    tokenizer.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
    ObjectNode model = tokenizer.putObject("model").put("type", "WordLevel");
    ObjectNode vocabulary = model.put("unk_token", "unknown").putObject("vocab");
    tokenizer
        .path("added_tokens")
        .forEach(token -> vocabulary.put(token.path("content").asText(), token.path("id").asInt()));
    Stream.concat(Stream.of("unknown", "user", "assistant"), GeneratedData.words())
        .distinct()
        .forEach(word -> vocabulary.put(word, vocabulary.size()));
    json.writeValue(file.toFile(), tokenizer);
    return folder;
  }
}
