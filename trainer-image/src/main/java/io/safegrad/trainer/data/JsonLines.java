package io.safegrad.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

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
   * One line.
   *
   * @param object what it holds
   * @param number from 1
   * @param displayName the file's name in errors
   */
  record Line(ObjectNode object, int number, String displayName) {

    /** The error for this line. */
    TrainerException error(String message) {
      return badData(displayName, number, message);
    }
  }

  /**
   * Turns every line into a value, one line in memory at a time.
   *
   * @throws TrainerException with BAD_DATA for a broken line or a file without any; with
   *     SOURCE_UNAVAILABLE when the file is not there or cannot be read
   */
  static <T> List<T> read(Path file, String displayName, Function<Line, T> parser) {
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          displayName + ": expected a JSON Lines file, but there is no such file");
    }
    List<T> values = new ArrayList<>();
    try (InputStream stream = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      int number = 0;
      for (byte[] line = next(stream, displayName, 1);
          line != null;
          line = next(stream, displayName, number + 1)) {
        number++;
        String text = text(line, displayName, number);
        if (!text.isBlank()) {
          values.add(parser.apply(parse(text, displayName, number)));
        }
      }
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE, displayName + ": could not be read", e);
    }
    if (values.isEmpty()) {
      throw new TrainerException(
          ExitReason.BAD_DATA, displayName + ": expected at least one example, found none");
    }
    return values;
  }

  /** The bytes up to the next line feed; null at the end of the file. */
  private static byte[] next(InputStream stream, String displayName, int number)
      throws IOException {
    int c = stream.read();
    if (c < 0) {
      return null;
    }
    ByteArrayOutputStream line = new ByteArrayOutputStream(1024);
    for (; c >= 0 && c != '\n'; c = stream.read()) {
      if (line.size() == MAX_LINE_BYTES) {
        throw badData(
            displayName,
            number,
            "expected at most " + MAX_LINE_BYTES + " bytes in a line, found more");
      }
      line.write(c);
    }
    return line.toByteArray();
  }

  private static String text(byte[] line, String displayName, int number) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
      return number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw badData(displayName, number, "expected UTF-8, found other bytes");
    }
  }

  private static Line parse(String text, String displayName, int number) {
    try {
      JsonNode json = JSON.readTree(text);
      if (json instanceof ObjectNode object) {
        return new Line(object, number, displayName);
      }
      throw badData(
          displayName, number, "expected a JSON object, found " + JsonFields.typeOf(json));
    } catch (JsonProcessingException e) {
      // The parser's message quotes the text around the fault.
      throw badData(
          displayName,
          number,
          "expected a JSON object, found broken JSON at column " + e.getLocation().getColumnNr());
    }
  }

  private static TrainerException badData(String displayName, int number, String message) {
    return new TrainerException(ExitReason.BAD_DATA, displayName + ":" + number + ": " + message);
  }
}
