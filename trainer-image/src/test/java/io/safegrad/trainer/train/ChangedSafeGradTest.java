package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.train.ChangedSafeGrad.Change;
import io.safegrad.trainer.train.MethodFigures.Action;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the study's changes of SafeGrad are, beside SafeGrad. */
class ChangedSafeGradTest {

  private static final int STEPS = 12;

  private final Golden golden = Golden.of("llama");
  private final Method safeGrad = new Method(Method.Name.SafeGrad, 1.0, 4);

  private record Run(List<StepMetrics> steps, Map<String, String> trained) {}

  @ParameterizedTest
  @EnumSource(Change.class)
  void aChangeGivesAnotherModelAndTheSameTwice(Change change) {
    Run changed = run(change);
    assertThat(changed.trained()).isEqualTo(run(change).trained());
    assertThat(changed.trained()).isNotEqualTo(safeGrad().trained());
    assertThat(changed.steps()).extracting(it -> it.method().action()).contains(Action.PROJECTED);
  }

  /** One alignment gradient is its own average. */
  @Test
  void theFirstStepOfMomentumIsSafeGrads() {
    StepMetrics first = safeGrad().steps().get(0);
    StepMetrics changed = run(Change.MOMENTUM).steps().get(0);
    assertThat(changed.gradNorm()).isCloseTo(first.gradNorm(), within(1e-6));
    assertThat(changed.loss()).isEqualTo(first.loss());
  }

  @Test
  void theControllerRaisesTheWeightWhileTheKlIsAboveItsBudget() {
    double weight = 1;
    for (StepMetrics step : run(Change.CONTROLLER).steps()) {
      weight = step.alignmentLoss() > 1e-3 ? weight * 1.1 : Math.max(1, weight / 1.1);
      if (step.method().action() == Action.NONE) {
        assertThat(step.projectionWeight()).isCloseTo(weight, within(1e-9));
      } else {
        assertThat(step.projectionWeight()).isGreaterThan(weight);
      }
    }
    assertThat(weight).isGreaterThan(1);
  }

  /**
   * The more an alignment example has diverged, the more often it is drawn, and each now and then.
   */
  @Test
  void alignmentExamplesAreDrawnByTheirDivergence() {
    Training training = Golden.training(Mode.Lora, STEPS);
    List<TokenizedExample> examples = golden.examples("align");
    int size = examples.size();
    try (CausalLm model = golden.load(training);
        ReferenceModel reference = model.reference(examples)) {
      DivergenceOrder order = new DivergenceOrder(model);
      order.compareWith(reference);
      int[] first = order.pass(size, new Random(1));
      assertThat(first).containsExactlyInAnyOrder(IntStream.range(0, size).toArray());
      new TrainingLoop(model, new Method(Method.Name.Sft, 0.0, 4), training)
          .run(golden.examples("user"), List.of(), step -> {});
      double[] divergences =
          IntStream.range(0, size)
              .mapToDouble(
                  i -> {
                    AlignmentBatch alone = reference.batch(List.of(i));
                    return model.losses().klDivergence(alone) / alone.responseTokens();
                  })
              .toArray();
      double sum = Arrays.stream(divergences).sum();
      int passes = 2000;
      Random random = new Random(2);
      int[] drawn = new int[size];
      for (int i = 0; i < passes; i++) {
        Arrays.stream(order.pass(size, random)).forEach(index -> drawn[index]++);
      }
      for (int i = 0; i < size; i++) {
        double share = 0.9 * divergences[i] / sum + 0.1 / size;
        assertThat(drawn[i] / (double) (passes * size)).isCloseTo(share, within(0.02));
      }
      assertThat(order.pass(size + 1, new Random(3)))
          .isEqualTo(ExampleOrder.SHUFFLED.pass(size + 1, new Random(3)));
    }
  }

  private Run safeGrad() {
    return run((model, training) -> new TrainingLoop(model, safeGrad, training));
  }

  private Run run(Change change) {
    return run((model, training) -> ChangedSafeGrad.loop(model, safeGrad, training, change));
  }

  private Run run(BiFunction<CausalLm, Training, TrainingLoop> loop) {
    List<StepMetrics> steps = new ArrayList<>();
    Training training = Golden.training(Mode.Lora, STEPS);
    try (CausalLm model = golden.load(training)) {
      loop.apply(model, training)
          .run(golden.examples("user"), golden.examples("align"), steps::add);
      return new Run(
          steps,
          model.trained().copies().entrySet().stream()
              .collect(
                  Collectors.toMap(
                      Map.Entry::getKey, tensor -> Arrays.toString(tensor.getValue().values()))));
    }
  }
}
