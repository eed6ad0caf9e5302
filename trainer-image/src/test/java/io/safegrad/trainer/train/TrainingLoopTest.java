package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingLoopTest {

  private static final Consumer<StepMetrics> NOBODY = metrics -> {};

  private final Golden golden = Golden.of("llama");

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void tenSafeGradStepsFollowTheReference(String family) {
    Golden golden = Golden.of(family);
    List<StepMetrics> steps = new ArrayList<>();
    try (CausalLm model = golden.loadWithAdapter(Golden.training(Mode.Lora, 10))) {
      new TrainingLoop(
              model,
              method(Method.Name.SafeGrad, 4),
              Golden.training(Mode.Lora, 10),
              ExampleOrder.FILE)
          .run(golden.examples("user"), golden.examples("align"), steps::add);
    }
    JsonNode expected = golden.value("steps");
    assertThat(steps).hasSize(expected.size());
    for (int i = 0; i < steps.size(); i++) {
      StepMetrics step = steps.get(i);
      JsonNode wanted = expected.get(i);
      assertThat(step.loss()).isCloseTo(wanted.get("loss").asDouble(), within(1e-3));
      assertThat(step.alignmentLoss()).isCloseTo(wanted.get("kl").asDouble(), within(1e-3));
      assertThat(step.dotProduct()).isCloseTo(wanted.get("dot").asDouble(), within(1e-3));
      assertThat(step.conflict()).isEqualTo(wanted.get("conflict").asBoolean());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Lora", "Full"})
  void atTheStartTheAlignmentGradientIsZero(Mode mode) {
    List<StepMetrics> steps = run(Method.Name.SafeGrad, Golden.training(mode, 1));
    assertThat(steps.get(0).alignmentLoss()).isCloseTo(0, within(1e-6));
    assertThat(steps.get(0).alignmentGradNorm()).isCloseTo(0, within(1e-5));
    assertThat(steps.get(0).conflict()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Lora", "Full"})
  void trainingLearnsTheData(Mode mode) {
    List<StepMetrics> steps = run(Method.Name.Sft, Golden.training(mode, 60));
    assertThat(steps.get(59).loss()).isLessThan(0.7 * steps.get(0).loss());
    assertThat(steps.get(0).alignmentLoss()).isNull();
    assertThat(steps.get(0).conflict()).isNull();
  }

  @Test
  void theSamePlanGivesTheSameBytes() {
    assertThat(adapterBytes(43)).isEqualTo(adapterBytes(43)).isNotEqualTo(adapterBytes(44));
  }

  @Test
  void aLossThatIsNotFiniteNamesStepAndLines() {
    Training training = Golden.training(Mode.Lora, 3);
    try (CausalLm model = golden.load(training)) {
      Map<String, FloatTensor> broken = new LinkedHashMap<>(model.trained().copies());
      broken.replaceAll((name, tensor) -> filled(tensor, Float.NaN));
      model.trained().set(broken);
      assertThatThrownBy(
              () ->
                  new TrainingLoop(model, method(Method.Name.Sft, 4), training, ExampleOrder.FILE)
                      .run(golden.examples("user"), List.of(), NOBODY))
          .isInstanceOfSatisfying(
              TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_DATA))
          .hasMessageContainingAll("step 1", "[1, 2, 3, 4]", "the data set");
    }
  }

  @Test
  void aListenerCanStopTheRun() {
    Training training = Golden.training(Mode.Lora, 3);
    List<StepMetrics> seen = new ArrayList<>();
    Consumer<StepMetrics> stopping =
        metrics -> {
          seen.add(metrics);
          throw new TrainerException(ExitReason.PREEMPTED, "asked to stop");
        };
    try (CausalLm model = golden.load(training)) {
      new TrainingLoop(model, method(Method.Name.Sft, 4), training)
          .run(golden.examples("user"), List.of(), NOBODY);
      int openBefore = model.torch().scope().open();
      assertThatThrownBy(
              () ->
                  new TrainingLoop(model, method(Method.Name.Sft, 4), training)
                      .run(golden.examples("user"), List.of(), stopping))
          .hasMessage("asked to stop");
      assertThat(model.torch().scope().open()).isEqualTo(openBefore);
    }
    assertThat(seen).hasSize(1);
  }

  @Test
  void emptyDataIsRefused() {
    Training training = Golden.training(Mode.Lora, 3);
    try (CausalLm model = golden.load(training)) {
      TrainingLoop loop = new TrainingLoop(model, method(Method.Name.SafeGrad, 4), training);
      assertThatThrownBy(() -> loop.run(List.of(), golden.examples("align"), NOBODY))
          .hasMessageContaining("the data set is empty");
      assertThatThrownBy(() -> loop.run(golden.examples("user"), List.of(), NOBODY))
          .hasMessageContaining("the alignment set is empty");
    }
  }

  @Test
  void stepsFollowFromEpochsOrAreGiven() {
    Training training = Golden.training(Mode.Lora, 7);
    assertThat(TrainingLoop.totalSteps(method(Method.Name.Sft, 4), training, 1000)).isEqualTo(7);
    Training epochs =
        new Training(
            Mode.Lora,
            3,
            null,
            4,
            2,
            1024,
            false,
            false,
            1e-4,
            Training.Scheduler.Cosine,
            0.0,
            0.0,
            1.0,
            1,
            0,
            1,
            training.lora());
    assertThat(TrainingLoop.totalSteps(method(Method.Name.Sft, 4), epochs, 17)).isEqualTo(9);
    List<TokenizedExample> seventeen = new ArrayList<>();
    while (seventeen.size() < 17) {
      seventeen.addAll(golden.examples("user").subList(0, Math.min(12, 17 - seventeen.size())));
    }
    List<StepMetrics> steps = new ArrayList<>();
    try (CausalLm model = golden.load(epochs)) {
      new TrainingLoop(model, method(Method.Name.Sft, 4), epochs)
          .run(seventeen, List.of(), steps::add);
    }
    int tokens = steps.stream().mapToInt(StepMetrics::numTokens).sum();
    assertThat(steps).hasSize(9);
    assertThat(tokens).isEqualTo(3 * seventeen.stream().mapToInt(TokenizedExample::length).sum());
  }

  private List<StepMetrics> run(Method.Name name, Training training) {
    List<StepMetrics> steps = new ArrayList<>();
    try (CausalLm model = golden.load(training)) {
      new TrainingLoop(model, method(name, 4), training, ExampleOrder.FILE)
          .run(golden.examples("user"), golden.examples("align"), steps::add);
    }
    return steps;
  }

  private Map<String, List<Float>> adapterBytes(int seed) {
    Training plain = Golden.training(Mode.Lora, 5);
    Training seeded =
        new Training(
            Mode.Lora,
            1,
            5,
            4,
            1,
            1024,
            false,
            false,
            3e-3,
            Training.Scheduler.Cosine,
            0.1,
            0.0,
            1.0,
            seed,
            0,
            1,
            plain.lora());
    Map<String, List<Float>> values = new LinkedHashMap<>();
    try (CausalLm model = golden.load(seeded)) {
      new TrainingLoop(model, method(Method.Name.SafeGrad, 2), seeded)
          .run(golden.examples("user"), golden.examples("align"), NOBODY);
      model
          .trained()
          .copies()
          .forEach(
              (name, tensor) -> {
                List<Float> list = new ArrayList<>();
                for (float value : tensor.values()) {
                  list.add(value);
                }
                values.put(name, list);
              });
    }
    return values;
  }

  private static FloatTensor filled(FloatTensor like, float value) {
    float[] values = new float[like.values().length];
    Arrays.fill(values, value);
    return new FloatTensor(like.shape(), values);
  }

  private static Method method(Method.Name name, int alignmentBatchSize) {
    return new Method(name, 1.0, alignmentBatchSize);
  }
}
