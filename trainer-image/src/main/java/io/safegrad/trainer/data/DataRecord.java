package io.safegrad.trainer.data;

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

  /** The error for this record. */
  TrainerException error(String message) {
    return badData(displayName, line, message);
  }

  /** The error for a line; the message never quotes it. */
  static TrainerException badData(String displayName, int line, String message) {
    return new TrainerException(ExitReason.BAD_DATA, displayName + ":" + line + ": " + message);
  }
}
