package io.safegrad.trainer.report;

import io.safegrad.api.ExitReason;
import io.safegrad.api.GateRule;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.safety.AskedAgain;
import io.safegrad.trainer.safety.AskedTemplates;
import io.safegrad.trainer.safety.Attribution;
import io.safegrad.trainer.safety.Screened;
import io.safegrad.trainer.source.Source;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.telemetry.TrainingHistory;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.ValidationLoss;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a run has done so far. Its report and its result are made of this, however the run ends, so
 * it is read by other threads than the one that writes it.
 */
public final class RunJournal implements RunObserver {

  private static final double MILLIS = 1e3;

  private final Clock clock;
  private final Instant started;
  private final List<RunReport.Input> inputs = new ArrayList<>();
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private final StepTally steps = new StepTally();
  private TrainingStage stage = TrainingStage.PREPARING;
  private Instant stageStarted;
  private SafetyMeasurements start;
  private SafetyMeasurements tuned;
  private RunReport.Validation validation;
  private Attribution attribution;
  private Screened screened;
  private AskedAgain askedAgain;
  private AskedTemplates askedTemplates;
  private MemoryEstimate memory;
  private List<SafeLora.Module> projected;

  public RunJournal(Clock clock) {
    this.clock = clock;
    this.started = clock.instant();
    this.stageStarted = started;
  }

  /** The model's files were found. */
  public synchronized void readModel(Source source) {
    inputs.add(input(source, null, null, null, null));
  }

  /** A data set to train on was read. */
  public synchronized void readExamples(Source source, TrainingExamples read) {
    inputs.add(
        input(source, read.examples().size(), read.format(), read.truncated(), read.dropped()));
  }

  /** Prompts of an evaluation were read. */
  public synchronized void readPrompts(Source source, int prompts) {
    inputs.add(input(source, prompts, null, null, null));
  }

  /** Who judges was found. */
  public synchronized void readJudge(JudgeIdentity judge) {
    inputs.add(
        new RunReport.Input(
            "safety.evaluation.judge",
            judge.name(),
            null,
            judge.digest(),
            null,
            null,
            null,
            null,
            Map.of()));
  }

  private static RunReport.Input input(
      Source source, Integer examples, Format format, Integer truncated, Integer dropped) {
    return new RunReport.Input(
        source.field(),
        source.uri(),
        source.commit(),
        source.digest(),
        examples,
        format,
        truncated,
        dropped,
        source.files());
  }

  /** Safe LoRA projected the adapter. */
  public synchronized void projected(List<SafeLora.Module> modules) {
    projected = modules;
  }

  @Override
  public synchronized void stageStarted(TrainingStage next) {
    seconds.put(nameOf(stage), secondsOfStage());
    stage = next;
    stageStarted = clock.instant();
  }

  @Override
  public synchronized void memoryEstimated(MemoryEstimate estimate) {
    memory = estimate;
  }

  @Override
  public synchronized void resumed(TrainingHistory history) {
    steps.resume(history);
  }

  @Override
  public synchronized void stepDone(StepMetrics step) {
    steps.add(step);
  }

  @Override
  public synchronized void evaluated(StepEvaluation evaluation) {
    steps.add(evaluation);
  }

  @Override
  public synchronized void screened(Screened asked) {
    screened = asked;
  }

  /** What the start model said of the user's examples; null unless it was asked. */
  public synchronized Screened screened() {
    return screened;
  }

  @Override
  public synchronized void askedAgain(AskedAgain asked) {
    askedAgain = asked;
  }

  @Override
  public synchronized void askedTemplates(AskedTemplates asked) {
    askedTemplates = asked;
  }

  @Override
  public synchronized void attributed(Attribution found) {
    attribution = found;
  }

  /** Which examples pull away from the alignment; null until it is measured. */
  public synchronized Attribution attribution() {
    return attribution;
  }

  @Override
  public synchronized void validated(EvaluatedModel model, ValidationLoss loss) {
    validation =
        model == EvaluatedModel.START
            ? new RunReport.Validation(loss, null)
            : new RunReport.Validation(validation.start(), loss);
  }

  @Override
  public synchronized void measured(EvaluatedModel model, SafetyMeasurements measurements) {
    switch (model) {
      case START -> start = measurements;
      case TUNED -> tuned = measurements;
    }
  }

  /** The steps so far, for a checkpoint; there is at least one. */
  public synchronized TrainingHistory history() {
    return steps.history(trainingSeconds());
  }

  /** The digest of each model and data set that was read, by the plan's field that names it. */
  public synchronized Map<String, String> inputDigests() {
    Map<String, String> digests = new TreeMap<>();
    inputs.forEach(input -> digests.put(input.field(), input.digest()));
    return digests;
  }

  /**
   * The report as of now.
   *
   * @param artifact null when nothing is published
   */
  public synchronized RunReport report(
      TrainingPlan plan,
      RunReport.Verdict verdict,
      RunReport.Artifact artifact,
      RunVersions versions) {
    return new RunReport(
        RunReport.SCHEMA,
        plan.run(),
        verdict,
        new RunReport.Measurements(start, tuned),
        validation,
        steps.report(trainingSeconds(), projected),
        screened,
        askedAgain,
        askedTemplates,
        attribution,
        artifact,
        List.copyOf(inputs),
        plan,
        versions,
        memory == null ? null : RunReport.Memory.of(memory, ResidentMemory.peakBytes()),
        new LinkedHashMap<>(seconds),
        started.toString(),
        clock.instant().toString());
  }

  /**
   * The result of a run that ends now.
   *
   * @param planDigest null when there is no plan
   * @param gateFailures each rule that did not hold; empty when none was asked
   * @param gate every rule of the gate; empty when it was not asked
   * @param artifact null when nothing is published
   * @param report where the report is; null when there is none
   */
  public synchronized TrainingResult result(
      ExitReason reason,
      String message,
      String planDigest,
      List<String> gateFailures,
      List<GateRule> gate,
      RunReport.Artifact artifact,
      String report) {
    return new TrainingResult(
        reason,
        message,
        planDigest,
        start,
        tuned,
        steps.conflictRatio(),
        steps.done(),
        trainingSeconds(),
        gateFailures,
        gate,
        attribution == null ? null : attribution.counts(),
        artifact == null ? null : artifact.uri(),
        artifact == null ? null : artifact.digest(),
        report);
  }

  private Double trainingSeconds() {
    Double ofThisAttempt =
        stage == TrainingStage.TRAINING
            ? (Double) secondsOfStage()
            : seconds.get(nameOf(TrainingStage.TRAINING));
    return ofThisAttempt == null ? null : (Double) (steps.earlierSeconds() + ofThisAttempt);
  }

  private static String nameOf(TrainingStage stage) {
    return stage.name().toLowerCase(Locale.ROOT);
  }

  private double secondsOfStage() {
    return Duration.between(stageStarted, clock.instant()).toMillis() / MILLIS;
  }
}
