package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Method.ProjectionScope;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.train.MethodFigures.Action;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What each method promises, on a toy. */
class FineTuningMethodTest {

  private static final int STEPS = 12;

  private final Golden golden = Golden.of("llama");
  private final List<TokenizedExample> alignment = golden.examples("align");

  /** What a run gave: its steps, and a copy of what was trained. */
  private record Run(List<StepMetrics> steps, Map<String, FloatTensor> trained) {

    List<Float> values() {
      List<Float> values = new ArrayList<>();
      for (FloatTensor tensor : trained.values()) {
        for (float value : tensor.values()) {
          values.add(value);
        }
      }
      return values;
    }

    <T> List<T> column(Function<StepMetrics, T> field) {
      return steps.stream().map(field).toList();
    }
  }

  @ParameterizedTest
  @EnumSource(Method.Name.class)
  void everyMethodNamesItselfAndGivesTheSameBytesTwice(Method.Name name) {
    Run run = run(method(name), Mode.Lora);
    assertThat(run.column(step -> step.method().name())).containsOnly(name);
    assertThat(run.values()).isEqualTo(run(method(name), Mode.Lora).values());
  }

  @Test
  void lisasStatesTakeTurnsAndDriftFromWhereTheyBegan() {
    Run run = run(lisa(2, 3, 1.0), Mode.Lora);
    Action aligned = Action.ALIGNED;
    assertThat(run.column(step -> step.method().action()).subList(0, 7))
        .containsExactly(aligned, aligned, Action.NONE, Action.NONE, Action.NONE, aligned, aligned);
    for (StepMetrics step : run.steps()) {
      boolean user = step.method().action() == Action.NONE;
      assertThat(step.loss() != null).isEqualTo(user);
      assertThat(step.alignmentLoss() != null).isEqualTo(!user);
      boolean first = List.of(1, 3, 6, 8, 11).contains(step.step());
      if (first) {
        assertThat(step.method().drift()).isZero();
      } else {
        assertThat(step.method().drift()).isPositive();
      }
    }
  }

  @Test
  void lisasProximalTermHoldsTheParametersBack() {
    double free = lastDrift(run(lisa(2, 10, 0.0), Mode.Lora));
    double held = lastDrift(run(lisa(2, 10, 100.0), Mode.Lora));
    assertThat(held).isLessThan(0.5 * free);
  }

  @Test
  void lisasTurnsWithoutTheProximalTermAreFineTunes() {
    Run lisa = run(lisa(STEPS, 1, 0.0), Mode.Lora);
    List<StepMetrics> steps = new ArrayList<>();
    Training training = Golden.training(Mode.Lora, STEPS, 3, 1);
    try (CausalLm model = golden.load(training)) {
      new TrainingLoop(model, method(Method.Name.Sft), training, ExampleOrder.FILE)
          .run(alignment, List.of(), steps::add);
      assertThat(new Run(steps, model.trained().copies()).values()).isEqualTo(lisa.values());
    }
    assertThat(lisa.column(StepMetrics::alignmentLoss))
        .isEqualTo(steps.stream().map(StepMetrics::loss).toList());
  }

  @Test
  void lisasStepsAreCountedSoThatTheUsersDataIsReadWhole() {
    Method.Lisa settings = new Method.Lisa(10, 90, 1.0);
    assertThat(settings.totalSteps(1)).isEqualTo(11);
    assertThat(settings.totalSteps(90)).isEqualTo(100);
    assertThat(settings.totalSteps(91)).isEqualTo(111);
  }

  @Test
  void spagWithinTheThresholdIsSft() {
    Run spag = run(spag(1000, 1), Mode.Lora);
    assertThat(spag.column(step -> step.method().correction())).containsOnly(0.0);
    assertThat(spag.column(step -> step.method().action())).containsOnly(Action.NONE);
    assertThat(spag.values()).isEqualTo(run(method(Method.Name.Sft), Mode.Lora).values());
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void spagStepsBackToWhereTheSafetyLossIsTheThreshold(Mode mode) {
    Run alone = run(spag(1000, 1), mode, 1);
    double excess = 1e-3;
    double threshold = alone.steps().get(0).alignmentLoss() - excess;
    Run run = run(spag(threshold, 1e6), mode, 1);
    assertThat(run.steps().get(0).method().action()).isEqualTo(Action.PROJECTED);
    assertThat(run.steps().get(0).method().correction()).isPositive();
    // All alignment examples are in the batch; what is left is the curvature of a short step.
    assertThat(alignmentLoss(run)).isCloseTo(threshold, within(0.05 * excess));
    Run limited = run(spag(threshold, 0), mode, 1);
    assertThat(limited.values()).isEqualTo(alone.values());
  }

  @Test
  void spagsStepIsTheClosedFormAndLimited() {
    Method.Spag settings = new Method.Spag(0.5, 2.0);
    assertThat(Spag.stepSize(settings, 0.5, 4)).isZero();
    assertThat(Spag.stepSize(settings, 0.4, 4)).isZero();
    assertThat(Spag.stepSize(settings, 1.5, 4)).isEqualTo(0.25);
    assertThat(Spag.stepSize(settings, 1.5, 0.01)).isEqualTo(2);
    assertThat(Spag.stepSize(settings, 1.5, 0)).isZero();
  }

  @Test
  void anAlignmentGradientServesSeveralStepsOnceItHasADirection() {
    Run run = run(safeGrad(ProjectionScope.Global, 4), Mode.Lora);
    List<Integer> refreshed =
        run.steps().stream()
            .filter(step -> step.alignmentLoss() != null)
            .map(StepMetrics::step)
            .toList();
    // It is zero at the first step, where the model is the start model.
    assertThat(refreshed).containsExactly(1, 2, 5, 9);
    assertThat(run.column(StepMetrics::cosine)).doesNotContainNull();
    assertThat(run.steps().get(2).alignmentGradNorm())
        .isEqualTo(run.steps().get(1).alignmentGradNorm());
    assertThat(run(safeGrad(ProjectionScope.Global, 1), Mode.Lora).values())
        .isEqualTo(run(method(Method.Name.SafeGrad), Mode.Lora).values());
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void perLayerEachDecoderLayerIsProjectedForItself(Mode mode) {
    Run run = run(safeGrad(ProjectionScope.PerLayer, 1), mode);
    int layers;
    Training training = Golden.training(mode, 1);
    try (CausalLm model = golden.load(training)) {
      layers = model.config().layers() + (mode == Mode.Full ? 1 : 0);
      assertThat(model.newGradient(model.torch().scope()).layers()).hasSize(layers);
    }
    List<Integer> projected = run.column(step -> step.method().projectedLayers());
    assertThat(projected).allSatisfy(count -> assertThat(count).isBetween(0, layers));
    assertThat(projected).anySatisfy(count -> assertThat(count).isPositive());
    assertThat(run.column(StepMetrics::projectionWeight)).allMatch(Objects::isNull);
  }

  /**
   * The first alignment gradient is zero, so that the third step is the first with an earlier one.
   */
  @Test
  void earlierAlignmentGradientsCountFromTheThirdStepOn() {
    Run plain = run(method(Method.Name.SafeGrad), Mode.Lora);
    Run run = run(safeGrad(ProjectionScope.Global, 1, 8), Mode.Lora);
    assertThat(run.steps().subList(0, 2).stream().map(StepMetrics::gradNorm))
        .isEqualTo(plain.steps().subList(0, 2).stream().map(StepMetrics::gradNorm).toList());
    assertThat(run.values()).isNotEqualTo(plain.values());
    assertThat(run.values())
        .isEqualTo(run(safeGrad(ProjectionScope.Global, 1, 8), Mode.Lora).values())
        .isNotEqualTo(run(safeGrad(ProjectionScope.Global, 1, 1), Mode.Lora).values());
    assertThat(run.column(step -> step.method().action())).contains(Action.PROJECTED);
    assertThat(run.steps())
        .allSatisfy(
            step -> {
              assertThat(step.conflict()).isEqualTo(step.step() > 1 && step.dotProduct() < 0);
              assertThat(step.projectionWeight()).isGreaterThanOrEqualTo(1);
            });
  }

  /** One that serves several steps is no earlier one beside itself. */
  @Test
  void anAlignmentGradientBecomesAnEarlierOneWhenItIsReplaced() {
    assertThat(run(safeGrad(ProjectionScope.Global, 20, 8), Mode.Lora).values())
        .isEqualTo(run(safeGrad(ProjectionScope.Global, 20, 0), Mode.Lora).values());
    assertThat(run(safeGrad(ProjectionScope.PerLayer, 3, 2), Mode.Lora).values())
        .isNotEqualTo(run(safeGrad(ProjectionScope.PerLayer, 3, 0), Mode.Lora).values());
  }

  private double lastDrift(Run run) {
    return run.steps().get(STEPS - 1).method().drift();
  }

  /** Of all alignment examples, with what a run trained. */
  private double alignmentLoss(Run run) {
    Training training =
        Golden.training(
            run.trained().keySet().stream().anyMatch(name -> name.contains("lora"))
                ? Mode.Lora
                : Mode.Full,
            1);
    try (CausalLm model = golden.load(training)) {
      model.trained().set(run.trained());
      Batch batch = Batch.of(alignment);
      return model.losses().crossEntropy(batch) / batch.responseTokens();
    }
  }

  private Run run(Method method, Mode mode) {
    return run(method, mode, STEPS);
  }

  private Run run(Method method, Mode mode, int maxSteps) {
    List<StepMetrics> steps = new ArrayList<>();
    Training training = Golden.training(mode, maxSteps);
    try (CausalLm model = golden.load(training)) {
      new TrainingLoop(model, method, training, ExampleOrder.FILE)
          .run(golden.examples("user"), alignment, steps::add);
      return new Run(steps, model.trained().copies());
    }
  }

  private Method method(Method.Name name) {
    return new Method(name, 1.0, alignmentBatchSize(name));
  }

  /** As many as the training's batch has, or all. */
  private int alignmentBatchSize(Method.Name name) {
    return name == Method.Name.Spag ? alignment.size() : 4;
  }

  private Method safeGrad(ProjectionScope scope, int refreshSteps) {
    return safeGrad(scope, refreshSteps, 0);
  }

  private Method safeGrad(ProjectionScope scope, int refreshSteps, int historySize) {
    return new Method(
        Method.Name.SafeGrad,
        1.0,
        4,
        scope,
        refreshSteps,
        historySize,
        null,
        null,
        OnConflict.Project,
        null);
  }

  private Method lisa(int alignmentSteps, int userSteps, double proximalWeight) {
    return new Method(
        Method.Name.Lisa,
        1.0,
        3,
        ProjectionScope.Global,
        1,
        new Method.Lisa(alignmentSteps, userSteps, proximalWeight),
        null);
  }

  private Method spag(double threshold, double maxStepSize) {
    return new Method(
        Method.Name.Spag,
        1.0,
        alignment.size(),
        ProjectionScope.Global,
        1,
        null,
        new Method.Spag(threshold, maxStepSize));
  }
}
