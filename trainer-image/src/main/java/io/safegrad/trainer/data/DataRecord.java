package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;

/**
 * One record of a data file.
 *
 * @param object what it holds
 * @param line where it begins, from 1
 * @param displayName the file's name in errors
 */
record DataRecord(ObjectNode object, int line, String displayName) {

  private static final int BYTES_OF_A_NODE = 100;

  /** About how much memory its content takes. */
  long bytes() {
    return bytes(object);
  }

  private static long bytes(JsonNode node) {
    long bytes = BYTES_OF_A_NODE + (node.isTextual() ? 2L * node.textValue().length() : 0);
    for (JsonNode child : node) {
      bytes += bytes(child);
    }
    return bytes;
  }

  /** The error for this record. */
  TrainerException error(String message) {
    return badData(displayName, line, message);
  }

  /** The error for a line; the message never quotes it. */
  static TrainerException badData(String displayName, int line, String message) {
    return new TrainerException(ExitReason.BAD_DATA, displayName + ":" + line + ": " + message);
  }
}
