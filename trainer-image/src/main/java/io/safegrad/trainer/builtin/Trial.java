package io.safegrad.trainer.builtin;

import io.safegrad.api.SafetyMeasurements;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.PretrainedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Fine-tunes a model on a built-in data set and measures it, as a run does, without a run's files.
 */
final class Trial {

  private final Path model;
  private final Path folder;

  /**
   * @param model a model directory
   * @param folder receives copies of the data sets
   */
  Trial(Path model, Path folder) {
    this.model = model;
    this.folder = folder;
  }

  /**
   * What came out.
   *
   * @param conflictRatio share of the steps whose gradients conflict; 0 for Sft
   * @param seconds wall-clock seconds of the training alone
   */
  record Outcome(SafetyMeasurements measurements, double conflictRatio, double seconds) {}

  /** Measures the model as it is. */
  SafetyMeasurements start(Training training) {
    try (PretrainedModel pretrained = PretrainedModel.open(model);
        CausalLm lm =
            CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), training)) {
      return measure(lm, pretrained);
    }
  }

  /**
   * Fine-tunes and measures.
   *
   * @param dataset name of a built-in data set
   */
  Outcome run(String dataset, Method method, Training training) {
    try (PretrainedModel pretrained = PretrainedModel.open(model);
        CausalLm lm =
            CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), training)) {
      List<StepMetrics> steps = new ArrayList<>();
      new TrainingLoop(lm, method, training)
          .run(
              examples(dataset, pretrained, training),
              examples("alignment", pretrained, training),
              steps::add);
      long conflicts = steps.stream().filter(step -> Boolean.TRUE.equals(step.conflict())).count();
      return new Outcome(
          measure(lm, pretrained),
          (double) conflicts / steps.size(),
          steps.stream().mapToDouble(StepMetrics::seconds).sum());
    }
  }

  private SafetyMeasurements measure(CausalLm lm, PretrainedModel pretrained) {
    return SafetyEvaluation.measure(
        new ModelReplies(lm, pretrained.tokenizer(), pretrained.endOfSequenceIds()),
        new SafetyEvaluation.Prompts(
            prompts("evaluation-harmful", pretrained),
            prompts("evaluation-harmless", pretrained),
            prompts("sentiment-test", pretrained)));
  }

  private List<TokenizedExample> examples(
      String name, PretrainedModel pretrained, Training training) {
    return TrainingExamples.read(
        BuiltinSource.materialise(name, folder),
        name,
        pretrained.tokenizer(),
        pretrained.chatTemplate(),
        training.maxLength());
  }

  private List<EvaluationPrompt> prompts(String name, PretrainedModel pretrained) {
    return EvaluationPrompts.read(
        BuiltinSource.materialise(name, folder),
        name,
        pretrained.tokenizer(),
        pretrained.chatTemplate());
  }
}
