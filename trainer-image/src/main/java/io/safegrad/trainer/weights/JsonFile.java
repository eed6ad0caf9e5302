package io.safegrad.trainer.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The JSON files of a Hugging Face model directory, and those of a run. */
public final class JsonFile {

  private JsonFile() {}

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws io.safegrad.trainer.TrainerException with BAD_DATA when it is missing or not an object
   */
  public static ObjectNode readObject(Path path) {
    if (!Files.isRegularFile(path)) {
      throw TensorFile.badData(path, "expected a JSON file, but there is none");
    }
    try {
      if (mapper().readTree(text(path)) instanceof ObjectNode object) {
        return object;
      }
      throw TensorFile.badData(path, "expected a JSON object");
    } catch (JsonProcessingException e) {
      throw TensorFile.badData(
          path,
          e instanceof StreamConstraintsException
              ? "expected JSON that is nested less deeply, or of shorter names and numbers"
              : "expected JSON; it is broken at line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr());
    } catch (IOException e) {
      throw TensorFile.unreadable(path, e);
    }
  }

  /** Jackson guesses other encodings than UTF-8, which these files are never in. */
  private static String text(Path path) throws IOException {
    try {
      String text = Files.readString(path);
      return text.startsWith("\ufeff") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw TensorFile.badData(path, "expected UTF-8, found other bytes");
    }
  }

  /** Writes a JSON object, indented, with a newline at its end, whole or not at all. */
  static void write(Path path, JsonNode json) {
    AtomicFile.write(path, bytes(json));
  }

  static byte[] bytes(JsonNode json) {
    return (json.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static ObjectMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxNameLength(1 << 20).build())
            .build();
    return JsonMapper.builder(factory)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build();
  }
}
