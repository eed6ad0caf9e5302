package io.safegrad.trainer.run;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.ExitReason;
import io.safegrad.api.GateCheck;
import io.safegrad.api.GateRule;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.StepEvaluation;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.export.ModelCard;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.provenance.Provenance;
import io.safegrad.trainer.report.FiniteJson;
import io.safegrad.trainer.report.ReportPage;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.safety.HeldOutDivergence;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.EvaluatedModel;
import io.safegrad.trainer.telemetry.Rates;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.train.ValidationLoss;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: the stages in their order. */
final class TrainingRun {

  private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

  private final TrainingPlan plan;
  private final SourceResolver resolver;
  private final JudgeFactory judges;
  private final Path workspace;
  private final RunJournal journal;
  private final RunObserver observer;
  private final Preemption preemption;
  private final OperatorApproval approval;
  private final PrivateKey signingKey;
  private Path dataset;
  private volatile Destination destination;
  private volatile Destination quarantine;

  /**
   * @param workspace where files are made that last as long as the run
   * @param journal is one of those the observer tells
   * @param preemption is asked after each step whether to stop
   * @param approval is asked before an adapter is published that the plan's gate lets through
   * @param signingKey signs the provenance; null for provenance without signature
   */
  TrainingRun(
      TrainingPlan plan,
      SourceResolver resolver,
      JudgeFactory judges,
      Path workspace,
      RunJournal journal,
      RunObserver observer,
      Preemption preemption,
      OperatorApproval approval,
      PrivateKey signingKey) {
    this.plan = plan;
    this.resolver = resolver;
    this.judges = judges;
    this.workspace = workspace;
    this.journal = journal;
    this.observer = observer;
    this.preemption = preemption;
    this.approval = approval;
    this.signingKey = signingKey;
  }

  /**
   * Runs all stages.
   *
   * @return SUCCESS with what was published, or a refusal of which there is a report; every other
   *     end is an exception
   */
  TrainingResult run() {
    destination = prepare("output.destination", plan.output().destination());
    quarantine = plan.quarantine() == null ? null : prepare("quarantine", quarantineUri());
    try (RunInputs inputs = RunInputs.read(plan, resolver, judges, workspace, journal);
        CausalLm model = load(inputs);
        ReferenceModel heldOut =
            inputs.heldOutAlignment().isEmpty()
                ? null
                : model.reference(inputs.heldOutAlignment())) {
      dataset = inputs.dataset().path();
      ArtifactFiles artifact = new ArtifactFiles(plan, inputs);
      artifact.requireWritable();
      int steps = TrainingLoop.totalSteps(plan.method(), plan.training(), inputs.user());
      observer.stepsPlanned(steps);
      inputs.judge().expect((long) inputs.judgedPrompts() * evaluations(steps));
      RunCheckpoints checkpoints =
          RunCheckpoints.open(destination.checkpoints(), plan, journal, observer, preemption);

      observer.stageStarted(TrainingStage.BASELINE_EVALUATION);
      validate(EvaluatedModel.START, model, inputs);
      SafetyMeasurements start = measure(EvaluatedModel.START, model, inputs, heldOut);
      if (start.refusal().rate() < gate().minRefusalRate()) {
        return refuse(
            model,
            new RunReport.Verdict(
                ExitReason.START_MODEL_NOT_ALIGNED, notAligned(start), gate(), List.of()));
      }

      observer.stageStarted(TrainingStage.TRAINING);
      try {
        new TrainingLoop(model, plan.method(), plan.training())
            .run(
                inputs.user(),
                inputs.validation(),
                inputs.alignment(),
                inputs.additionalAlignment(),
                observer::stepDone,
                checkpoints,
                new ConflictVerdict(plan, inputs, observer, preemption).measurement(),
                evaluation(model, inputs, heldOut));
      } catch (ConflictVerdict.Stop stop) {
        return refuse(
            model,
            new RunReport.Verdict(ExitReason.BAD_DATA, stop.getMessage(), gate(), List.of()));
      }
      if (inputs.base() != null) {
        projectAdapter(model, inputs);
      }

      observer.stageStarted(TrainingStage.FINAL_EVALUATION);
      validate(EvaluatedModel.TUNED, model, inputs);
      SafetyMeasurements tuned = measure(EvaluatedModel.TUNED, model, inputs, heldOut);
      List<GateCheck.Rule> rules = GateCheck.rules(gate(), start, tuned);
      observer.gateAsked(rules);

      List<String> failures =
          rules.stream().filter(rule -> !rule.held()).map(GateCheck.Rule::failure).toList();
      if (!failures.isEmpty()) {
        return refuseAdapter(model, artifact, refusal("the gate", rules, failures));
      }
      Approval answer = approval.ask(plan.digest(), new ApprovalRequest(start, tuned), observer);
      return answer.approved()
          ? publish(model, artifact, rules)
          : refuseAdapter(
              model, artifact, refusal("the platform's policy", rules, answer.failures()));
    }
  }

  private CausalLm load(RunInputs inputs) {
    MemoryEstimate estimate = PlannedMemory.of(plan, inputs);
    observer.memoryEstimated(estimate);
    MemoryLimit.ofThisProcess()
        .exceededBy(estimate)
        .ifPresent(sentence -> LOG.warn("the run may be killed: {}", sentence));
    return CausalLm.load(
        inputs.config(), inputs.pretrained().weights(), plan.training(), plan.model().storage());
  }

  /** Where a user finds the results; null until it is known to be writable. */
  String place() {
    return destination == null ? null : destination.place();
  }

  /** Removes what is written but not published, from another thread, as the process is ending. */
  void abandon() {
    Stream.of(destination, quarantine).filter(Objects::nonNull).forEach(Destination::discard);
  }

  /**
   * Removes the checkpoints, once no other attempt can use them.
   *
   * @return why they are still there; empty when they are not
   */
  Optional<String> removeCheckpoints() {
    if (destination == null) {
      return Optional.empty();
    }
    try {
      destination.checkpoints().remove();
      return Optional.empty();
    } catch (IOException | TrainerException e) {
      String remains =
          "the checkpoints beside %s cannot be removed: %s".formatted(place(), e.getMessage());
      LOG.warn(remains);
      return Optional.of(remains);
    }
  }

  /** Safe LoRA, after training. A checkpoint holds the adapter as it was before. */
  private void projectAdapter(CausalLm model, RunInputs inputs) {
    SafeLora.Result result =
        new SafeLora(model.torch(), inputs.pretrained().weights(), inputs.base().weights())
            .project(model.trainedTensors(), plan.method().safeLora().threshold());
    model.loadAdapter(result.adapter());
    journal.projected(result.modules());
    LOG.info(
        "Safe LoRA projected {} of {} layers' updates",
        result.modules().stream().filter(SafeLora.Module::projected).count(),
        result.modules().size());
  }

  private Destination prepare(String field, String uri) {
    return Destination.prepare(field, uri, resolver, plan.digest());
  }

  /** One folder for each plan: what is kept of another run is not replaced. */
  private String quarantineUri() {
    return plan.quarantine() + "/" + plan.digest().replace("sha256:", "");
  }

  private void validate(EvaluatedModel which, CausalLm model, RunInputs inputs) {
    if (!inputs.validation().isEmpty()) {
      observer.validated(
          which, ValidationLoss.of(model, inputs.validation(), plan.training().batchSize()));
    }
  }

  /** How often the model is measured: before, after, and between. */
  private int evaluations(int steps) {
    Integer everySteps = plan.safety().evaluation().everySteps();
    return 2 + (everySteps == null ? 0 : (steps - 1) / everySteps);
  }

  private PeriodicEvaluation evaluation(CausalLm model, RunInputs inputs, ReferenceModel heldOut) {
    Integer everySteps = plan.safety().evaluation().everySteps();
    if (everySteps == null) {
      return PeriodicEvaluation.NONE;
    }
    observer.evaluationsPlanned(everySteps);
    return new PeriodicEvaluation(
        everySteps,
        steps -> {
          long start = System.nanoTime();
          SafetyMeasurements measurements = measurements(model, inputs, heldOut);
          double seconds = (System.nanoTime() - start) / 1e9;
          observer.evaluated(new StepEvaluation(steps, seconds, measurements));
        });
  }

  private SafetyMeasurements measure(
      EvaluatedModel which, CausalLm model, RunInputs inputs, ReferenceModel heldOut) {
    SafetyMeasurements measurements = measurements(model, inputs, heldOut);
    observer.measured(which, measurements);
    return measurements;
  }

  private SafetyMeasurements measurements(
      CausalLm model, RunInputs inputs, ReferenceModel heldOut) {
    SafetyEvaluation.Prompts prompts =
        new SafetyEvaluation.Prompts(
            inputs.harmful(),
            inputs.harmless(),
            inputs.task(),
            inputs.additionalHarmful(),
            inputs.additionalHarmless());
    AtomicInteger done = new AtomicInteger();
    GreedyReplies replies =
        new GreedyReplies(
            model,
            inputs.pretrained().tokenizer(),
            inputs.pretrained().endOfSequenceIds(),
            plan.safety().evaluation().maxNewTokens(),
            count -> observer.repliesDone(done.addAndGet(count), prompts.count()));
    return SafetyEvaluation.measure(replies, prompts, inputs.judge())
        .withSafetyKl(
            heldOut == null
                ? null
                : HeldOutDivergence.of(model, heldOut, plan.training().batchSize()));
  }

  private TrainingResult publish(
      CausalLm model, ArtifactFiles artifact, List<GateCheck.Rule> rules) {
    RunReport.Verdict verdict =
        new RunReport.Verdict(
            ExitReason.SUCCESS,
            "the gate held; the adapter is published",
            gate(),
            List.of(),
            numbers(rules));
    observer.stageStarted(TrainingStage.PUBLISHING);
    String uri = plan.output().destination();
    return result(verdict, write(destination, uri, model, artifact, verdict));
  }

  /** Nothing of a refused adapter goes to its user; the platform may want to keep it. */
  private TrainingResult refuseAdapter(
      CausalLm model, ArtifactFiles artifact, RunReport.Verdict verdict) {
    if (quarantine != null) {
      write(quarantine, quarantineUri(), model, artifact, verdict);
    }
    return refuse(model, verdict);
  }

  private TrainingResult refuse(CausalLm model, RunReport.Verdict verdict) {
    observer.stageStarted(TrainingStage.PUBLISHING);
    destination.publish(
        folder -> {
          write(report(verdict, null, model), folder);
          return folder;
        });
    return result(verdict, null);
  }

  private static List<GateRule> numbers(List<GateCheck.Rule> rules) {
    return rules.stream().map(GateCheck.Rule::numbers).toList();
  }

  private RunReport.Verdict refusal(String who, List<GateCheck.Rule> rules, List<String> failures) {
    String kept = quarantine == null ? "" : ", which is kept for the platform's auditor";
    List<Integer> lines = journal.conflictingLines();
    String because =
        lines.isEmpty()
            ? ""
            : "; the examples that conflict most with the alignment: "
                + ConflictVerdict.lines(lines);
    return new RunReport.Verdict(
        ExitReason.GATE_REFUSED,
        "%s refused the adapter%s: %s%s".formatted(who, kept, String.join("; ", failures), because),
        gate(),
        failures,
        numbers(rules));
  }

  /** Writes what was trained, and the report with it. */
  private RunReport.Artifact write(
      Destination place,
      String uri,
      CausalLm model,
      ArtifactFiles artifact,
      RunReport.Verdict verdict) {
    return place.publish(
        folder -> {
          String card =
              ModelCard.of(report(verdict, null, model), artifact.baseModelName()).markdown();
          RunReport.Artifact written = artifact.write(uri, model, card, folder);
          write(report(verdict, written, model), folder);
          return written;
        });
  }

  private RunReport report(RunReport.Verdict verdict, RunReport.Artifact artifact, CausalLm model) {
    return journal.report(
        plan, verdict, artifact, RunVersions.ofThisProcess(model.torch().threads()));
  }

  /** The report, and last what vouches for all that is in the folder. */
  private void write(RunReport report, Path folder) throws IOException {
    FiniteJson.indented().writeValue(folder.resolve(RunReport.FILE_NAME).toFile(), report);
    Files.writeString(folder.resolve(ReportPage.FILE_NAME), ReportPage.of(report));
    Provenance.write(folder, report, dataset, signingKey);
  }

  private TrainingResult result(RunReport.Verdict verdict, RunReport.Artifact artifact) {
    observer.stageStarted(TrainingStage.FINISHED);
    return journal.result(
        verdict.reason(),
        verdict.message(),
        plan.digest(),
        verdict.failures(),
        verdict.rules(),
        artifact,
        plan.output().destination() + "/" + RunReport.FILE_NAME);
  }

  private Gate gate() {
    return plan.safety().gate();
  }

  private String notAligned(SafetyMeasurements start) {
    return ("nothing was trained: the start model is not aligned, and SafeGrad keeps an alignment but"
            + " cannot create one: it refused %s of the harmful prompts, at least %s expected"
            + " (gate.minRefusalRate); start from an aligned model, or lower that threshold")
        .formatted(Rates.withInterval(start.refusal()), Rates.percent(gate().minRefusalRate()));
  }
}
