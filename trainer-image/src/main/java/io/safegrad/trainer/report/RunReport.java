package io.safegrad.trainer.report;

import io.safegrad.api.ExitReason;
import io.safegrad.api.GateRule;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.v1alpha1.Dataset;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.ValidationSummary;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.util.List;
import java.util.Map;

/**
 * The content of {@code report.json}: what went in, what was measured, what came out. Rates are
 * shares from 0 to 1 with their 95 % Wilson interval, losses are in nats, durations in seconds. A
 * field is null where there is nothing to say.
 *
 * @param schema {@value #SCHEMA}
 * @param run {@code namespace/name} of the SafeFineTune
 * @param started when the run began, ISO 8601 in UTC
 * @param finished when this report was made
 * @param measurements of the start model and of the tuned one
 * @param screened what the start model said of the user's examples; null when safety.screening does
 *     not ask it
 * @param askedAgain which of the prompts that the start model refuses of the user's examples the
 *     fine-tuned model no longer refuses; null when gate.maxDataRefusalDrop does not ask it
 * @param askedTemplates what both models said to harmful prompts in the templates of the user's
 *     examples; null when gate.maxTemplateRefusalDrop does not ask it
 * @param attribution which examples pull the model away from its alignment; null when it was not
 *     measured
 * @param inputs every model and data set that was read
 * @param plan the whole plan, its own digest included
 * @param environment all that the result may depend on beside plan and inputs
 * @param memory what the run was expected to need of it, and what it needed
 * @param seconds wall-clock seconds of each stage that ended in this attempt, by its name
 */
public record RunReport(
    String schema,
    String run,
    Verdict verdict,
    Measurements measurements,
    Validation validation,
    Training training,
    Screened screened,
    AskedAgain askedAgain,
    AskedTemplates askedTemplates,
    Attribution attribution,
    Artifact artifact,
    List<Input> inputs,
    TrainingPlan plan,
    RunVersions environment,
    Memory memory,
    Map<String, Double> seconds,
    String started,
    String finished) {

  public static final String SCHEMA = "safegrad.io/report/v1alpha1";
  public static final String FILE_NAME = "report.json";

  /**
   * Whether the adapter was published, and by which rules.
   *
   * @param reason SUCCESS, GATE_REFUSED, START_MODEL_NOT_ALIGNED, or BAD_DATA for a run that
   *     method.onConflict stopped
   * @param message the same in one sentence
   * @param gate the thresholds
   * @param failures each rule that did not hold, with both values
   * @param rules every rule as it was compared; empty when the gate was not asked
   */
  public record Verdict(
      ExitReason reason, String message, Gate gate, List<String> failures, List<GateRule> rules) {

    /** A verdict for which the gate was not asked. */
    public Verdict(ExitReason reason, String message, Gate gate, List<String> failures) {
      this(reason, message, gate, failures, List.of());
    }
  }

  /**
   * @param start of the model before training
   * @param tuned of the model with what was trained; null when training was not begun
   */
  public record Measurements(SafetyMeasurements start, SafetyMeasurements tuned) {}

  /**
   * The loss on the examples that dataset.validationFraction holds back; null when it holds none.
   *
   * @param start of the model before training
   * @param tuned of the model with what was trained; null when training was not begun
   */
  public record Validation(ValidationLoss start, ValidationLoss tuned) {}

  /**
   * What training did; null when it was not begun.
   *
   * @param steps optimizer steps done
   * @param numTokens tokens of both batches, padding not counted
   * @param conflictRatio share of the steps in which the gradients conflicted; null for a method
   *     that does not compare them
   * @param interventions steps in which the method did what it does in some steps only: SafeGrad
   *     and Spag projected, Lisa's turn was the alignment's
   * @param firstLoss the first loss on the user's examples; null when there was none
   * @param lastLoss the newest one
   * @param lastAlignmentLoss the newest loss on the alignment examples; null when there was none
   * @param seconds of all attempts
   * @param validation the losses on the held-back examples that training.evalSteps asks for; null
   *     when none was measured
   * @param stoppedEarly whether there were fewer steps than planned
   * @param safeLora what Safe LoRA made of each adapted layer; null for another method
   * @param resumedAfter how many steps were done each time that a later attempt took over from a
   *     checkpoint; empty when one attempt did all
   * @param evaluations of the model while it trained, as safety.evaluation.everySteps asks for; at
   *     most {@value StepTally#SERIES_STEPS}, evenly spread
   * @param series at most {@value StepTally#SERIES_STEPS} steps, evenly spread, the first included
   */
  public record Training(
      int steps,
      long numTokens,
      double seconds,
      Double conflictRatio,
      int interventions,
      Double firstLoss,
      Double lastLoss,
      Double lastAlignmentLoss,
      ValidationSummary validation,
      boolean stoppedEarly,
      List<SafeLora.Module> safeLora,
      List<Integer> resumedAfter,
      List<StepEvaluation> evaluations,
      List<StepMetrics> series) {}

  /**
   * Memory of the process: what it was expected to need by the model's shapes, the plan and the
   * lengths of the data, and what it needed.
   *
   * @param estimateBytes the most that it holds at once
   * @param moment when that is expected to be
   * @param parts the estimate's bytes by what they are for
   * @param peakBytes most that this attempt held until the report was made; null where the system
   *     does not say
   */
  public record Memory(long estimateBytes, String moment, Map<String, Long> parts, Long peakBytes) {

    static Memory of(MemoryEstimate estimate, Long peakBytes) {
      return new Memory(
          estimate.bytes(), estimate.moment().label(), estimate.labelledParts(), peakBytes);
    }
  }

  /**
   * What was published; null when nothing was.
   *
   * @param uri the directory
   * @param digest {@code sha256:…} of the adapter's weights file, or of the model's in mode Full;
   *     without the format Adapter, of all files but the model card, as that of a directory among
   *     the inputs
   */
  public record Artifact(String uri, String digest, List<PublishedFile> files) {}

  /**
   * One file of the artifact.
   *
   * @param name relative to the artifact's directory
   */
  public record PublishedFile(String name, long bytes, String digest) {}

  /**
   * A model or a data set.
   *
   * @param field the plan's field that names it
   * @param commit of an {@code hf://} address; null for any other
   * @param digest {@code sha256:…} of the file or directory
   * @param examples records that were used; null for a model
   * @param format of a data set to train on, declared or detected; null for others
   * @param truncated examples that were cut at their end, since they were longer than
   *     training.maxLength; null for what is not trained on
   * @param dropped records that are not among the examples for the same reason; null likewise
   * @param files {@code sha256:…} of each file of a directory, by its name in there; empty for a
   *     file
   */
  public record Input(
      String field,
      String uri,
      String commit,
      String digest,
      Integer examples,
      Dataset.Format format,
      Integer truncated,
      Integer dropped,
      Map<String, String> files) {}
}
