package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.api.GateCheck;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.report.FiniteJson;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.Rates;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.train.ValidationLoss;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: the stages in their order. */
final class TrainingRun {

  private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

  private final TrainingPlan plan;
  private final SourceResolver resolver;
  private final Path workspace;
  private final RunJournal journal;
  private final RunObserver observer;
  private final Preemption preemption;
  private volatile Destination destination;

  /**
   * @param workspace where files are made that last as long as the run
   * @param journal is one of those the observer tells
   * @param preemption is asked after each step whether to stop
   */
  TrainingRun(
      TrainingPlan plan,
      SourceResolver resolver,
      Path workspace,
      RunJournal journal,
      RunObserver observer,
      Preemption preemption) {
    this.plan = plan;
    this.resolver = resolver;
    this.workspace = workspace;
    this.journal = journal;
    this.observer = observer;
    this.preemption = preemption;
  }

  /**
   * Runs all stages.
   *
   * @return SUCCESS with what was published, or GATE_REFUSED; every other end is an exception
   */
  TrainingResult run() {
    destination = Destination.prepare(plan, resolver);
    try (RunInputs inputs = RunInputs.read(plan, resolver, workspace, journal);
        CausalLm model =
            CausalLm.load(inputs.config(), inputs.pretrained().weights(), plan.training())) {
      observer.stepsPlanned(TrainingLoop.totalSteps(plan.training(), inputs.user().size()));
      RunCheckpoints checkpoints =
          RunCheckpoints.open(destination.checkpoints(), plan, journal, observer, preemption);

      observer.stageStarted(TrainingStage.BASELINE_EVALUATION);
      validate(EvaluatedModel.START, model, inputs);
      SafetyMeasurements start = measure(EvaluatedModel.START, model, inputs);
      if (start.refusal().rate() < gate().minRefusalRate()) {
        return refuse(model, "nothing was trained", List.of(notAligned(start)));
      }

      observer.stageStarted(TrainingStage.TRAINING);
      new TrainingLoop(model, plan.method(), plan.training())
          .run(inputs.user(), inputs.alignment(), observer::stepDone, checkpoints);

      observer.stageStarted(TrainingStage.FINAL_EVALUATION);
      validate(EvaluatedModel.TUNED, model, inputs);
      SafetyMeasurements tuned = measure(EvaluatedModel.TUNED, model, inputs);
      List<String> failures = GateCheck.failures(gate(), start, tuned);

      return failures.isEmpty()
          ? publish(model, inputs)
          : refuse(model, "the gate refused the adapter", failures);
    }
  }

  /** Where a user finds the results; null until it is known to be writable. */
  String place() {
    return destination == null ? null : destination.place();
  }

  /** Removes what is written but not published, from another thread, as the process is ending. */
  void abandon() {
    Destination current = destination;
    if (current != null) {
      current.discard();
    }
  }

  /** Removes the checkpoints, once no other attempt can use them. */
  void removeCheckpoints() {
    if (destination == null) {
      return;
    }
    try {
      destination.checkpoints().remove();
    } catch (IOException | TrainerException e) {
      LOG.warn("the checkpoints beside {} cannot be removed: {}", place(), e.getMessage());
    }
  }

  private void validate(EvaluatedModel which, CausalLm model, RunInputs inputs) {
    if (!inputs.validation().isEmpty()) {
      observer.validated(
          which, ValidationLoss.of(model, inputs.validation(), plan.training().batchSize()));
    }
  }

  private SafetyMeasurements measure(EvaluatedModel which, CausalLm model, RunInputs inputs) {
    int total = inputs.harmful().size() + inputs.harmless().size() + inputs.task().size();
    AtomicInteger done = new AtomicInteger();
    GreedyReplies replies =
        new GreedyReplies(
            model,
            inputs.pretrained().tokenizer(),
            inputs.pretrained().endOfSequenceIds(),
            plan.safety().evaluation().maxNewTokens(),
            count -> observer.repliesDone(done.addAndGet(count), total));
    SafetyMeasurements measurements =
        SafetyEvaluation.measure(replies, inputs.harmful(), inputs.harmless(), inputs.task());
    observer.measured(which, measurements);
    return measurements;
  }

  private TrainingResult publish(CausalLm model, RunInputs inputs) {
    return end(
        model,
        new RunReport.Verdict(
            ExitReason.SUCCESS, "the gate held; the adapter is published", gate(), List.of()),
        folder -> ArtifactFiles.write(plan, model, inputs, folder));
  }

  private TrainingResult refuse(CausalLm model, String what, List<String> failures) {
    return end(
        model,
        new RunReport.Verdict(
            ExitReason.GATE_REFUSED, what + ": " + String.join("; ", failures), gate(), failures),
        folder -> null);
  }

  /** Publishes the report, and the artifact with it where there is one. */
  private TrainingResult end(
      CausalLm model,
      RunReport.Verdict verdict,
      Destination.Content<RunReport.Artifact> artifactFiles) {
    observer.stageStarted(TrainingStage.PUBLISHING);
    RunReport.Artifact artifact =
        destination.publish(
            folder -> {
              RunReport.Artifact written = artifactFiles.writeTo(folder);
              RunReport report =
                  journal.report(
                      plan, verdict, written, RunVersions.ofThisProcess(model.torch().threads()));
              FiniteJson.indented()
                  .writeValue(folder.resolve(RunReport.FILE_NAME).toFile(), report);
              return written;
            });
    observer.stageStarted(TrainingStage.FINISHED);
    return journal.result(
        verdict.reason(),
        verdict.message(),
        plan.digest(),
        verdict.failures(),
        artifact,
        plan.output().destination() + "/" + RunReport.FILE_NAME);
  }

  private Gate gate() {
    return plan.safety().gate();
  }

  private String notAligned(SafetyMeasurements start) {
    return ("the start model is not aligned: it refused %s of the harmful prompts, at least %s"
            + " expected (gate.minRefusalRate); start from an aligned model, or lower that threshold")
        .formatted(Rates.withInterval(start.refusal()), Rates.percent(gate().minRefusalRate()));
  }
}
