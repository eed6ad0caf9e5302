package io.safegrad.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.safegrad.api.GateRule;
import io.safegrad.api.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The container's termination message: a {@link TrainingResult} as JSON, never too long for it. */
public final class TerminationLog {

  private static final ObjectWriter JSON = FiniteJson.compact().writer();
  private static final String CUT = "…";

  /** Characters to which sentences are cut: at first, and at last. */
  private static final int LONGEST = 2048;

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
   * the longest first; then gate failures are dropped from the last, and the gate's numbers, which
   * follow from the measurements; addresses and numbers are kept whole or, where they alone are too
   * long, left out.
   */
  static byte[] json(TrainingResult result) {
    TrainingResult fitting = result;
    for (int limit = LONGEST; !fits(fitting) && limit >= SHORTEST; limit /= 2) {
      fitting = withSentences(result, limit, result.gateFailures().size());
    }
    for (int kept = result.gateFailures().size() / 2; !fits(fitting) && kept > 0; kept /= 2) {
      fitting = withSentences(result, SHORTEST, kept);
    }
    if (!fits(fitting)) {
      fitting = withoutGate(fitting, fitting.artifact(), fitting.report());
    }
    if (!fits(fitting)) {
      fitting = withoutGate(fitting, fitting.artifact(), null);
    }
    if (!fits(fitting)) {
      fitting = withoutGate(fitting, null, null);
    }
    return bytes(fitting);
  }

  private static boolean fits(TrainingResult result) {
    return bytes(result).length <= TrainingResult.MAX_BYTES;
  }

  private static TrainingResult withSentences(TrainingResult result, int limit, int failures) {
    return with(
        result,
        cut(result.message(), limit),
        result.gateFailures().stream().limit(failures).map(text -> cut(text, limit)).toList(),
        result.gate(),
        result.artifact(),
        result.report());
  }

  private static TrainingResult withoutGate(TrainingResult result, String artifact, String report) {
    return with(result, result.message(), List.of(), List.of(), artifact, report);
  }

  /** At most {@code limit} characters; one outside of the BMP is never halved. */
  private static String cut(String text, int limit) {
    if (text.length() <= limit) {
      return text;
    }
    int end = limit - CUT.length();
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end) + CUT;
  }

  private static TrainingResult with(
      TrainingResult result,
      String message,
      List<String> gateFailures,
      List<GateRule> gate,
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
        gate,
        result.attribution(),
        artifact,
        result.artifactDigest(),
        report);
  }

  private static byte[] bytes(TrainingResult result) {
    try {
      return JSON.writeValueAsBytes(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
