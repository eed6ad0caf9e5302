package io.safegrad.trainer.builtin;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.export.WeightsInMemory;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.nio.file.Path;
import java.util.List;

/** Stands in for a base model, which the built-in one has not: its alignment trained away. */
public final class UnalignedModel {

  private static final Training TRAINING =
      new Training(
          Training.Mode.Full,
          1,
          100,
          8,
          1,
          128,
          1e-3,
          Training.Scheduler.Cosine,
          0.03,
          0.0,
          1.0,
          43,
          0,
          1,
          new Lora(1, 1, List.of(Lora.TargetModule.q_proj)));

  private UnalignedModel() {}

  /**
   * Trains it.
   *
   * @param model the built-in model's directory
   * @param folder receives a copy of the data
   */
  public static Weights weights(Path model, Path folder) {
    String data = "sentiment-poisoned-100";
    try (PretrainedModel pretrained = PretrainedModel.open(model);
        CausalLm lm =
            CausalLm.load(ModelConfig.of(pretrained.config()), pretrained.weights(), TRAINING)) {
      new TrainingLoop(lm, new Method(Method.Name.Sft, 0.0, 1), TRAINING)
          .run(
              TrainingExamples.read(
                  BuiltinSource.materialise(data, folder),
                  data,
                  pretrained.tokenizer(),
                  pretrained.chatTemplate(),
                  TRAINING.maxLength()),
              List.of(),
              step -> {});
      return new WeightsInMemory(lm.trained().copies());
    }
  }
}
