package io.safegrad.operator.observe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.Measurement;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingResult;
import java.util.List;
import java.util.Optional;

/**
 * Reads a trainer's result. The text comes from a container that the tenant's model and data run
 * in: it may be missing, cut off or forged, and nothing of it is believed unchecked.
 */
public final class TerminationMessage {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .build();

  private TerminationMessage() {}

  /** The result; empty when the text is none. Figures that cannot be are left out of it. */
  public static Optional<TrainingResult> parse(String text) {
    if (text == null || text.isBlank()) {
      return Optional.empty();
    }
    try {
      TrainingResult result = JSON.readValue(text, TrainingResult.class);
      return result == null || result.reason() == null
          ? Optional.empty()
          : Optional.of(sanitised(result));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static TrainingResult sanitised(TrainingResult result) {
    return new TrainingResult(
        result.reason(),
        Sentence.of(result.message()),
        Sentence.of(result.planDigest()),
        possible(result.baseline()),
        possible(result.result()),
        share(result.conflictRatio()) ? result.conflictRatio() : null,
        Math.max(0, result.steps()),
        result.trainingSeconds(),
        result.gateFailures().stream().limit(8).map(Sentence::of).toList(),
        // The operator compares on its own.
        List.of(),
        PossibleCounts.of(result.attribution()),
        Sentence.of(result.artifact()),
        Sentence.of(result.artifactDigest()),
        Sentence.of(result.report()));
  }

  /** The measurements when each share was really counted, else null. */
  private static SafetyMeasurements possible(SafetyMeasurements measured) {
    if (measured == null
        || !counted(measured.refusal())
        || !counted(measured.overRefusal())
        || !absentOrCounted(measured.taskAccuracy())
        || !absentOrCounted(measured.additionalRefusal())
        || !absentOrCounted(measured.additionalOverRefusal())
        || !absentOrCounted(measured.incoherent())
        || !measured.countsAndDivergencesPossible()) {
      return null;
    }
    JudgeIdentity judge = measured.judge();
    return judge == null
        ? measured
        : measured.withJudge(
            new JudgeIdentity(Sentence.of(judge.name()), Sentence.of(judge.digest())));
  }

  private static boolean absentOrCounted(Measurement measurement) {
    return measurement == null || counted(measurement);
  }

  private static boolean counted(Measurement measurement) {
    return measurement != null && measurement.count() > 0 && share(measurement.rate());
  }

  private static boolean share(Double value) {
    return value != null && value >= 0 && value <= 1;
  }
}
