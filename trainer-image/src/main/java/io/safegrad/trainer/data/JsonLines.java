package io.safegrad.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Reads JSON Lines: UTF-8, one JSON object per line. Blank lines are passed over. Errors name the
 * line and never quote it.
 */
final class JsonLines {

  /** Longest line, in bytes. */
  static final int MAX_LINE_BYTES = 16 << 20;

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private JsonLines() {}

  /**
   * Hands each line's object on.
   *
   * @throws TrainerException with BAD_DATA for a broken line
   */
  static void read(InputStream stream, String displayName, Consumer<DataRecord> consumer)
      throws IOException {
    ByteLines lines = new ByteLines(stream, displayName, MAX_LINE_BYTES);
    for (byte[] line = lines.next(); line != null; line = lines.next()) {
      if (line.length == 0) {
        continue;
      }
      String text = text(line, displayName, lines.number());
      if (!text.isBlank()) {
        consumer.accept(parse(text, displayName, lines.number()));
      }
    }
  }

  private static String text(byte[] line, String displayName, int number) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
      return number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw DataRecord.badData(displayName, number, "expected UTF-8, found other bytes");
    }
  }

  private static DataRecord parse(String text, String displayName, int number) {
    try {
      JsonNode json = JSON.readTree(text);
      if (json instanceof ObjectNode object) {
        return new DataRecord(object, number, displayName);
      }
      throw DataRecord.badData(
          displayName, number, "expected a JSON object, found " + JsonFields.typeOf(json));
    } catch (StreamConstraintsException e) {
      throw DataRecord.badData(
          displayName,
          number,
          "expected a JSON object that is nested less deeply, or of shorter names and numbers");
    } catch (JsonProcessingException e) {
      if (text.stripLeading().startsWith("[")) {
        throw DataRecord.badData(
            displayName,
            number,
            "expected JSON Lines, a JSON object in each line; found the start of a list");
      }
      // The parser's message quotes the text around the fault.
      throw DataRecord.badData(
          displayName,
          number,
          "expected a JSON object, found broken JSON at column " + e.getLocation().getColumnNr());
    }
  }
}
