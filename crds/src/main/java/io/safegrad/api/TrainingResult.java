package io.safegrad.api;

import java.util.List;

/**
 * How a run ended: the JSON of the pod's termination message, at most {@value #MAX_BYTES} bytes.
 * The operator never trusts the verdict alone: it compares the measurements with the gate again.
 *
 * @param reason why the process ended
 * @param message one sentence that names the file, line or field and what was expected; holds no
 *     example text
 * @param planDigest digest of the plan that was run
 * @param baseline measurements of the start model; null when the run ended before
 * @param result measurements of the fine-tuned model; null when the run ended before
 * @param conflictRatio share of the steps in which the gradients conflicted; null without any step
 * @param steps optimizer steps done
 * @param trainingSeconds wall-clock seconds of training alone
 * @param gateFailures each rule of the gate that did not hold, with both values; empty when it held
 * @param gate every rule of the gate as the trainer compared it; empty when it was not asked
 * @param attribution how many examples pull against the alignment; null when it was not measured
 * @param artifact where the adapter is; null when nothing was published
 * @param artifactDigest {@code sha256:…} of the adapter's weights; null when nothing was published
 * @param report where report.json is; null when there is none
 */
public record TrainingResult(
    ExitReason reason,
    String message,
    String planDigest,
    SafetyMeasurements baseline,
    SafetyMeasurements result,
    Double conflictRatio,
    int steps,
    Double trainingSeconds,
    List<String> gateFailures,
    List<GateRule> gate,
    AttributionCounts attribution,
    String artifact,
    String artifactDigest,
    String report) {

  /** Kubernetes truncates a termination message above this size. */
  public static final int MAX_BYTES = 4096;

  public TrainingResult {
    gateFailures = gateFailures == null ? List.of() : List.copyOf(gateFailures);
    gate = gate == null ? List.of() : List.copyOf(gate);
  }

  /** A result without the numbers of gate and attribution. */
  public TrainingResult(
      ExitReason reason,
      String message,
      String planDigest,
      SafetyMeasurements baseline,
      SafetyMeasurements result,
      Double conflictRatio,
      int steps,
      Double trainingSeconds,
      List<String> gateFailures,
      String artifact,
      String artifactDigest,
      String report) {
    this(
        reason,
        message,
        planDigest,
        baseline,
        result,
        conflictRatio,
        steps,
        trainingSeconds,
        gateFailures,
        List.of(),
        null,
        artifact,
        artifactDigest,
        report);
  }

  /** The same with more to say. */
  public TrainingResult withMessage(String more) {
    return new TrainingResult(
        reason,
        more,
        planDigest,
        baseline,
        result,
        conflictRatio,
        steps,
        trainingSeconds,
        gateFailures,
        gate,
        attribution,
        artifact,
        artifactDigest,
        report);
  }

  /** A run that ended before it measured anything. */
  public static TrainingResult failed(ExitReason reason, String message, String planDigest) {
    return new TrainingResult(
        reason, message, planDigest, null, null, null, 0, null, List.of(), null, null, null);
  }
}
