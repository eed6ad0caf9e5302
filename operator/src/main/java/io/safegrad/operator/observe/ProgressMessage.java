package io.safegrad.operator.observe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingProgress;
import java.io.IOException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** Reads a trainer's answer to {@code GET /progress}, which may be anything at all. */
final class ProgressMessage {

  /** No machine has more memory: a PiB. */
  private static final long MOST_BYTES = 1L << 50;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .build();

  private ProgressMessage() {}

  /** The body of an answer to the trainer's question. */
  static byte[] write(Approval approval) {
    try {
      return JSON.writeValueAsBytes(approval);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a record of text can be written", e);
    }
  }

  /** The progress; empty when the bytes are none. Figures that are not numbers are left out. */
  static Optional<TrainingProgress> parse(byte[] body) {
    try {
      TrainingProgress progress = JSON.readValue(body, TrainingProgress.class);
      if (progress == null
          || progress.stage() == null
          || progress.step() < 0
          || progress.totalSteps() < 0
          || (progress.totalSteps() > 0 && progress.step() > progress.totalSteps())) {
        return Optional.empty();
      }
      return Optional.of(
          new TrainingProgress(
              progress.stage(),
              progress.step(),
              progress.totalSteps(),
              finite(progress.etaSeconds()),
              finite(progress.loss()),
              finite(progress.alignmentLoss()),
              share(progress.conflictRatio()),
              finite(progress.cosine()),
              share(progress.refusalRate()),
              finite(progress.tokensPerSecond()),
              progress.method(),
              progress.interventions(),
              progress.resumedAtStep(),
              possible(progress.evaluation()),
              PossibleCounts.of(progress.attribution()),
              bytes(progress.memoryEstimateBytes()),
              possible(progress.approval())));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Long bytes(Long value) {
    return value == null || value <= 0 || value > MOST_BYTES ? null : value;
  }

  /** An evaluation whose numbers can be; else none. */
  private static StepEvaluation possible(StepEvaluation evaluation) {
    return evaluation != null && evaluation.step() > 0 && possible(evaluation.measurements())
        ? evaluation
        : null;
  }

  /** A question whose numbers can be; else none, and nobody answers. */
  private static ApprovalRequest possible(ApprovalRequest request) {
    return request != null
            && possible(request.baseline())
            && request.baseline().overRefusal() != null
            && possible(request.result())
            && request.result().overRefusal() != null
        ? request
        : null;
  }

  private static boolean possible(SafetyMeasurements found) {
    return found != null
        && found.refusal() != null
        && Stream.of(
                found.refusal(),
                found.overRefusal(),
                found.taskAccuracy(),
                found.additionalRefusal(),
                found.additionalOverRefusal(),
                found.incoherent())
            .filter(Objects::nonNull)
            .allMatch(ProgressMessage::possible)
        && found.countsAndDivergencesPossible();
  }

  private static boolean possible(Measurement measurement) {
    return share(measurement.rate()) != null
        && share(measurement.low()) != null
        && share(measurement.high()) != null
        && measurement.count() > 0;
  }

  private static Double finite(Double value) {
    return value == null || !Double.isFinite(value) ? null : value;
  }

  private static Double share(Double value) {
    return value == null || !(value >= 0 && value <= 1) ? null : value;
  }
}
