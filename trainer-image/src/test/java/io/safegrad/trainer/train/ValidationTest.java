package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When training ends and what it gives; the golden values come from make_training_golden.py. */
class ValidationTest {

  private static final Method SFT = new Method(Method.Name.Sft, 1.0, 4);

  private final Golden golden = Golden.of("llama");
  private final List<TokenizedExample> user = golden.examples("user").subList(0, 6);
  private final List<TokenizedExample> heldBack = golden.examples("user").subList(6, 12);

  @Test
  void stoppingAndTheBestStepAreThoseOfTransformers() {
    JsonNode cases = Golden.json(Golden.resource("early_stopping.json"));
    assertThat(cases).hasSize(36);
    int stopped = 0;
    for (JsonNode each : cases) {
      ValidationProgress progress = ValidationProgress.NONE;
      Integer stop = null;
      for (int step = 1; step <= each.get("losses").size() && stop == null; step++) {
        double loss = each.get("losses").get(step - 1).asDouble();
        progress = progress.with(step, loss, each.get("threshold").asDouble());
        if (progress.withoutImprovement() >= each.get("patience").asInt()) {
          stop = step;
        }
      }
      JsonNode expected = each.get("stopped");
      assertThat(stop).as("%s", each).isEqualTo(expected.isNull() ? null : expected.asInt());
      assertThat(progress.bestStep()).as("%s", each).isEqualTo(each.get("best_step").asInt());
      assertThat(progress.bestLoss()).isEqualTo(each.get("best_loss").asDouble());
      stopped += stop == null ? 0 : 1;
    }
    assertThat(stopped).isBetween(10, 35);
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void overfittingEndsTheRunAndTheBestParametersAreItsResult(Mode mode) {
    List<StepMetrics> steps = new ArrayList<>();
    double result = run(training(mode, 5, 2, true), steps);

    List<Double> losses = losses(steps);
    double best = losses.stream().mapToDouble(loss -> loss).min().orElseThrow();
    assertThat(result).isEqualTo(best).isLessThan(losses.get(losses.size() - 1));
    assertThat(steps.size()).isLessThan(200).isEqualTo(5 * losses.size());
    assertThat(losses.indexOf(best)).isEqualTo(losses.size() - 3);
    for (StepMetrics step : steps) {
      assertThat(step.validationLoss() != null).isEqualTo(step.step() % 5 == 0);
    }
  }

  @Test
  void withoutLoadBestModelAtEndTheLastStepsParametersAreTheResult() {
    List<StepMetrics> steps = new ArrayList<>();
    double result = run(training(Mode.Lora, 5, 2, false), steps);

    List<Double> losses = losses(steps);
    assertThat(result).isEqualTo(losses.get(losses.size() - 1));
  }

  @Test
  void measuringChangesNothing() {
    List<StepMetrics> measured = new ArrayList<>();
    List<StepMetrics> alone = new ArrayList<>();
    double one = run(training(Mode.Lora, 5, 1000, false), measured);
    double other = run(training(Mode.Lora, null, null, false), alone);

    assertThat(one).isEqualTo(other);
    assertThat(alone).extracting(StepMetrics::validationLoss).allMatch(Objects::isNull);
  }

  @Test
  void withoutHeldBackExamplesItIsRefused() {
    Training training = training(Mode.Lora, 5, null, false);
    try (CausalLm model = golden.load(training)) {
      TrainingLoop loop = new TrainingLoop(model, SFT, training);
      assertThatThrownBy(() -> loop.run(user, List.of(), step -> {}))
          .hasMessageContaining("held back is empty");
    }
  }

  private static List<Double> losses(List<StepMetrics> steps) {
    return steps.stream().map(StepMetrics::validationLoss).filter(Objects::nonNull).toList();
  }

  /** The validation loss of what came out. */
  private double run(Training training, List<StepMetrics> steps) {
    try (CausalLm model = golden.load(training)) {
      new TrainingLoop(model, SFT, training)
          .run(
              user,
              heldBack,
              List.of(),
              List.of(),
              steps::add,
              Checkpoints.NONE,
              ConflictMeasurement.NONE,
              PeriodicEvaluation.NONE);
      return ValidationLoss.of(model, heldBack, training.batchSize()).loss();
    }
  }

  private static Training training(Mode mode, Integer evalSteps, Integer patience, boolean best) {
    Training plain = Golden.training(mode, 200);
    return new Training(
        mode,
        1,
        plain.maxSteps(),
        3,
        1,
        plain.maxLength(),
        false,
        false,
        mode == Mode.Full ? 1e-3 : 1e-2,
        plain.scheduler(),
        0.0,
        0.0,
        1.0,
        plain.seed(),
        0,
        1,
        evalSteps,
        patience,
        0.0,
        best,
        plain.gradientCheckpointing(),
        plain.bf16(),
        plain.lora());
  }
}
