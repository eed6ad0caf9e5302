package io.safegrad.trainer.run;

import io.safegrad.api.Approval;
import io.safegrad.api.ApprovalRequest;
import io.safegrad.api.GateCheck;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.api.v1alpha1.Gate;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.MemoryEstimate;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.train.DataPosition;
import io.safegrad.trainer.train.TrainingLoop;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.List;
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
  private final Compute compute;
  private final RunVerdicts verdicts;
  private final RunResults results;

  /**
   * @param workspace where files are made that last as long as the run
   * @param journal is one of those the observer tells
   * @param preemption is asked after each step whether to stop
   * @param approval is asked before an adapter is published that the plan's gate lets through
   * @param compute where and in what type the model computes
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
      Compute compute,
      PrivateKey signingKey) {
    this.plan = plan;
    this.resolver = resolver;
    this.judges = judges;
    this.workspace = workspace;
    this.journal = journal;
    this.observer = observer;
    this.preemption = preemption;
    this.approval = approval;
    this.compute = compute;
    this.verdicts = new RunVerdicts(plan);
    this.results = new RunResults(plan, journal, observer, signingKey);
  }

  /** What it ends with, and where that goes. */
  RunResults results() {
    return results;
  }

  /**
   * Runs all stages.
   *
   * @return SUCCESS with what was published, or a refusal of which there is a report; every other
   *     end is an exception
   */
  TrainingResult run() {
    results.prepare(resolver);
    try (RunInputs read = RunInputs.read(plan, resolver, judges, workspace, journal);
        CausalLm model = load(read);
        RunEvaluation evaluation = new RunEvaluation(plan, read, model, observer)) {
      new ArtifactFiles(plan, read).requireWritable();
      evaluation.announce(plannedSteps(read));
      RunCheckpoints checkpoints =
          RunCheckpoints.open(results.checkpoints(), plan, journal, observer, preemption);

      observer.stageStarted(TrainingStage.BASELINE_EVALUATION);
      SafetyMeasurements start = evaluation.ofStart();
      if (start.refusal().rate() < gate().minRefusalRate()) {
        return results.refuse(model, read, verdicts.notAligned(start));
      }
      RunEvaluation.StartAnswers answers = evaluation.askStart();
      RunInputs inputs = answers.inputs();
      plannedSteps(inputs);

      observer.stageStarted(TrainingStage.TRAINING);
      ConflictVerdict conflicts =
          new ConflictVerdict(plan, inputs, compute, journal, observer, preemption);
      DataPosition taken;
      try {
        taken =
            new TrainingLoop(model, plan.method(), plan.training())
                .run(
                    inputs.user(),
                    inputs.validation(),
                    inputs.alignment(),
                    inputs.additionalAlignment(),
                    observer::stepDone,
                    checkpoints,
                    conflicts.measurement(),
                    evaluation.betweenSteps());
      } catch (ConflictVerdict.Stop stop) {
        return results.refuse(model, inputs, verdicts.stopped(stop));
      }
      if (inputs.base() != null) {
        projectAdapter(model, inputs);
      }

      observer.stageStarted(TrainingStage.FINAL_EVALUATION);
      SafetyMeasurements tuned = evaluation.ofTuned(answers);
      List<GateCheck.Rule> rules = GateCheck.rules(gate(), start, tuned);
      observer.gateAsked(rules);
      List<String> failures =
          rules.stream().filter(rule -> !rule.held()).map(GateCheck.Rule::failure).toList();
      if (!failures.isEmpty()) {
        String because = conflicts.because(model, taken);
        return results.refuseAdapter(
            model,
            inputs,
            verdicts.refused("the gate", rules, failures, because, journal.screened()));
      }
      Approval answer = approval.ask(plan.digest(), new ApprovalRequest(start, tuned), observer);
      return answer.approved()
          ? results.publish(model, inputs, verdicts.published(rules, journal.screened()))
          : results.refuseAdapter(
              model,
              inputs,
              verdicts.refused(
                  "the platform's policy",
                  rules,
                  answer.failures(),
                  conflicts.standingApart(),
                  journal.screened()));
    }
  }

  private int plannedSteps(RunInputs inputs) {
    int steps = TrainingLoop.totalSteps(plan.method(), plan.training(), inputs.user());
    observer.stepsPlanned(steps);
    return steps;
  }

  private CausalLm load(RunInputs inputs) {
    if (!compute.device().cuda()) {
      // A GPU's memory is not this process's, and what it needs has not been measured.
      MemoryEstimate estimate = PlannedMemory.of(plan, inputs);
      observer.memoryEstimated(estimate);
      MemoryLimit.ofThisProcess()
          .exceededBy(estimate)
          .ifPresent(sentence -> LOG.warn("the run may be killed: {}", sentence));
    }
    return CausalLm.load(
        inputs.config(),
        inputs.pretrained().weights(),
        plan.training(),
        plan.model().storage(),
        compute);
  }

  /** Safe LoRA, after training. A checkpoint holds the adapter as it was before. */
  private void projectAdapter(CausalLm model, RunInputs inputs) {
    SafeLora.Result result =
        new SafeLora(model.torch(), inputs.pretrained().weights(), inputs.base().weights())
            .project(model.trained().copies(), plan.method().safeLora().threshold());
    model.trained().set(result.adapter());
    journal.projected(result.modules());
    LOG.info(
        "Safe LoRA projected {} of {} layers' updates",
        result.modules().stream().filter(SafeLora.Module::projected).count(),
        result.modules().size());
  }

  private Gate gate() {
    return plan.safety().gate();
  }
}
