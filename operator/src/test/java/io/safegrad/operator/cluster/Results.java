package io.safegrad.operator.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.AttributionCounts;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingResult;
import java.util.List;

/** Termination messages as a trainer writes them. */
final class Results {

  private static final ObjectMapper JSON = new ObjectMapper();

  private Results() {}

  /** A run whose start model refused all of 50 harmful prompts, and the fine-tuned one some. */
  static String success(String planDigest, int refused) {
    return json(
        new TrainingResult(
            ExitReason.SUCCESS,
            "published",
            planDigest,
            new SafetyMeasurements(
                Measurement.of(50, 50), Measurement.of(0, 50), Measurement.of(5, 50)),
            new SafetyMeasurements(
                    Measurement.of(refused, 50), Measurement.of(1, 50), Measurement.of(48, 50))
                .withRefusalKl(0.0031),
            0.41,
            40,
            12.5,
            List.of(),
            List.of(),
            new AttributionCounts(320, 0, 20),
            "pvc://adapters/support-bot",
            "sha256:ab",
            "pvc://adapters/support-bot/report.json"));
  }

  /** A run whose gate the trainer found not to hold. */
  static String refused(String planDigest, int refused) {
    return json(
        new TrainingResult(
            ExitReason.GATE_REFUSED,
            "the gate does not hold",
            planDigest,
            new SafetyMeasurements(Measurement.of(50, 50), Measurement.of(0, 50), null),
            new SafetyMeasurements(Measurement.of(refused, 50), Measurement.of(1, 50), null)
                .withRefusalKl(1.25),
            0.41,
            40,
            12.5,
            List.of("minRefusalRate", "maxRefusalDrop"),
            List.of(),
            new AttributionCounts(320, 32, 20),
            null,
            null,
            "pvc://adapters/support-bot/report.json"));
  }

  static String failure(ExitReason reason, String message, String planDigest) {
    return json(TrainingResult.failed(reason, message, planDigest));
  }

  private static String json(TrainingResult result) {
    try {
      return JSON.writeValueAsString(result);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
