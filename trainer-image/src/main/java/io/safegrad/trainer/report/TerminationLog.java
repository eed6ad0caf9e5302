package io.safegrad.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.safegrad.api.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The container's termination message: a {@link TrainingResult} as JSON, never too long for it. */
public final class TerminationLog {

  private static final String CUT = "…";

  /** A sentence is never cut below this, in characters. */
  private static final int SHORTEST = 32;

  private TerminationLog() {}

  /**
   * Writes the result. Kubernetes mounts the file itself, so it cannot be replaced by a rename; it
   * is written by one call instead, and read only after the process has ended.
   */
  public static void write(Path file, TrainingResult result) throws IOException {
    Files.write(file, json(result));
  }

  /**
   * The result as UTF-8 JSON of at most {@value TrainingResult#MAX_BYTES} bytes. Sentences are cut,
   * the longest first; then gate failures are dropped from the last; addresses and numbers are kept
   * whole or, where they alone are too long, left out.
   */
  static byte[] json(TrainingResult result) {
    TrainingResult fitting = result;
    byte[] json = bytes(fitting);
    while (json.length > TrainingResult.MAX_BYTES) {
      fitting = shorter(fitting);
      json = bytes(fitting);
    }
    return json;
  }

  private static TrainingResult shorter(TrainingResult result) {
    List<String> failures = new ArrayList<>(result.gateFailures());
    String message = result.message();
    int longest = -1;
    int length = message == null ? 0 : message.length();
    for (int i = 0; i < failures.size(); i++) {
      if (failures.get(i).length() > length) {
        longest = i;
        length = failures.get(i).length();
      }
    }
    if (length > SHORTEST) {
      if (longest < 0) {
        message = cut(message);
      } else {
        failures.set(longest, cut(failures.get(longest)));
      }
      return with(result, message, failures, result.artifact(), result.report());
    }
    if (!failures.isEmpty()) {
      failures.remove(failures.size() - 1);
      return with(result, message, failures, result.artifact(), result.report());
    }
    if (result.report() != null) {
      return with(result, message, failures, result.artifact(), null);
    }
    return with(result, message, failures, null, null);
  }

  /** Three quarters of a text; a character outside the BMP is never halved. */
  private static String cut(String text) {
    int end = Math.max(text.length() * 3 / 4, SHORTEST - 1);
    if (Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end) + CUT;
  }

  private static TrainingResult with(
      TrainingResult result,
      String message,
      List<String> gateFailures,
      String artifact,
      String report) {
    return new TrainingResult(
        result.reason(),
        message,
        result.planDigest(),
        result.baseline(),
        result.result(),
        result.conflictRatio(),
        result.steps(),
        result.trainingSeconds(),
        gateFailures,
        artifact,
        result.artifactDigest(),
        report);
  }

  private static byte[] bytes(TrainingResult result) {
    try {
      return FiniteJson.compact().writeValueAsBytes(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
