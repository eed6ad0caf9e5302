package io.safegrad.trainer.study;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.safety.StartModelRefusals;
import io.safegrad.trainer.safety.StartModelScreening;
import io.safegrad.trainer.surgery.SafeLora;
import io.safegrad.trainer.train.ChangedSafeGrad;
import io.safegrad.trainer.train.Checkpoints;
import io.safegrad.trainer.train.ConflictMeasurement;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.train.PeriodicEvaluation;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import java.util.ArrayList;
import java.util.List;

/** Trains cases as a run of the product trains, by their own methods. */
final class CaseTraining {

  private final StudyModel model;
  private final AskedData data;

  CaseTraining(StudyModel model, AskedData data) {
    this.model = model;
    this.data = data;
  }

  /**
   * What a training did.
   *
   * @param acted steps in which the method acted; layers that SafeLora projected
   * @param leftOut lines of the user's examples; null where none can be
   */
  record Trained(List<StepMetrics> steps, long acted, List<Integer> leftOut) {
    static final Trained NOT = new Trained(List.of(), 0, null);
  }

  /** Trains the model by a case's method. */
  Trained of(StudyCase study, CausalLm lm, List<TokenizedExample> alignment) {
    List<TokenizedExample> user = data.user(study);
    StartModelRefusals refused = study.variant().screens() ? data.refusals(lm, user) : null;
    boolean drops = study.variant() == Variant.SAFE_GRAD_DROP;
    List<StepMetrics> steps = new ArrayList<>();
    List<Integer> leftOut = refused == null ? new ArrayList<>() : new ArrayList<>(refused.lines());
    loop(study, lm)
        .run(
            refused == null ? user : StartModelScreening.kept(refused),
            List.of(),
            aligned(study, alignment),
            study.variant().alignsByScreened() ? refused.refused() : List.of(),
            steps::add,
            Checkpoints.NONE,
            drops
                ? new ConflictMeasurement(
                    0,
                    true,
                    true,
                    attribution -> {
                      leftOut.addAll(attribution.condemned());
                      return attribution;
                    },
                    () -> {})
                : ConflictMeasurement.NONE,
            PeriodicEvaluation.NONE);
    long acted =
        study.variant() == Variant.SAFE_LORA
            ? project(study, lm)
            : steps.stream().filter(step -> step.method().action() != Action.NONE).count();
    return new Trained(steps, acted, drops || study.variant().screens() ? leftOut : null);
  }

  private long project(StudyCase study, CausalLm lm) {
    SafeLora.Result projected =
        new SafeLora(lm.torch(), model.pretrained().weights(), model.base())
            .project(lm.trained().copies(), study.variant().method().safeLora().threshold());
    lm.trained().set(projected.adapter());
    return projected.modules().stream().filter(SafeLora.Module::projected).count();
  }

  private TrainingLoop loop(StudyCase study, CausalLm lm) {
    Method method = study.variant().method();
    return study
        .variant()
        .change()
        .map(change -> ChangedSafeGrad.loop(lm, method, settings(study), change))
        .orElseGet(() -> new TrainingLoop(lm, method, settings(study)));
  }

  private static List<TokenizedExample> aligned(StudyCase study, List<TokenizedExample> alignment) {
    return study.variant() == Variant.SAFE_GRAD_PROMPT_KL
        ? alignment.stream().map(CaseTraining::withPrompt).toList()
        : alignment;
  }

  /** Its prompt is compared, too. */
  private static TokenizedExample withPrompt(TokenizedExample example) {
    return new TokenizedExample(example.inputIds(), example.inputIds().clone(), example.line());
  }

  /** A case's settings. */
  static Training settings(StudyCase study) {
    return new Training(
        Training.Mode.Lora,
        1,
        study.variant() == Variant.START ? 1 : study.variant().totalSteps(study.steps()),
        8,
        1,
        StudyModel.MAX_LENGTH,
        study.learningRate(),
        Training.Scheduler.Cosine,
        0.03,
        0.0,
        1.0,
        study.seed(),
        0,
        1,
        study.variant().lora());
  }
}
