package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.api.v1alpha1.Training.Scheduler;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.tensor.Scalars;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

/** Against torch and transformers; the golden values come from make_golden.py. */
class OptimizerTest {

  private final JsonNode golden = Golden.json(Golden.resource("optimizer.json"));

  @Test
  void clippingAndAdamWAreThoseOfTorch() {
    try (Torch torch = Torch.open()) {
      Scope scope = torch.scope();
      List<Tensor> parameters = vector(scope, golden.get("start"));
      AdamW optimizer = new AdamW(torch.operators(), scope, parameters, 0.1);
      GradientClipping clipping = new GradientClipping(1.0);
      for (JsonNode step : golden.get("steps")) {
        List<Tensor> gradient = vector(scope, step.get("gradient"));
        double norm = clipping.apply(new Scalars(torch.operators(), scope), gradient).getAsDouble();
        assertThat(norm).isCloseTo(step.get("norm").asDouble(), within(1e-5));
        optimizer.step(gradient, 0.01);
        assertSame(parameters, step.get("parameters"));
      }
    }
  }

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void whatDoesNotDecayIsWhatTransformersLeavesOut(String family) {
    JsonNode expected = Golden.json(Golden.resource("weight_decay.json")).get(family);
    try (CausalLm model = Golden.of(family).load(Golden.training(Mode.Full, 1))) {
      List<String> oneDimensional =
          model.trained().copies().entrySet().stream()
              .filter(tensor -> tensor.getValue().shape().length == 1)
              .map(Map.Entry::getKey)
              .sorted()
              .toList();
      assertThat(oneDimensional).hasSize(expected.size());
      for (int i = 0; i < oneDimensional.size(); i++) {
        assertThat(oneDimensional.get(i)).isEqualTo(expected.get(i).asText());
      }
    }
    try (Torch torch = Torch.open()) {
      Tensor norm = torch.scope().float32(new float[] {1, 2}, 2);
      Tensor weight = torch.scope().float32(new float[] {1, 2}, 1, 2);
      List<Tensor> parameters = List.of(norm, weight);
      AdamW optimizer = new AdamW(torch.operators(), torch.scope(), parameters, 0.1);
      optimizer.step(torch.operators().call(torch.scope(), "zeros_like", parameters), 0.5);
      assertThat(norm.toFloatArray()).containsExactly(1, 2);
      assertThat(weight.toFloatArray()).containsExactly(0.95f, 1.9f);
    }
  }

  @Test
  void aMaximumOfZeroClipsNothing() {
    try (Torch torch = Torch.open()) {
      Tensor gradient = torch.scope().float32(new float[] {30, 40}, 2);
      double norm =
          new GradientClipping(0)
              .apply(new Scalars(torch.operators(), torch.scope()), List.of(gradient))
              .getAsDouble();
      assertThat(norm).isEqualTo(50);
      assertThat(gradient.toFloatArray()).containsExactly(30, 40);
    }
  }

  @ParameterizedTest
  @EnumSource(Scheduler.class)
  void schedulesAreThoseOfTransformers(Scheduler scheduler) {
    LearningRateSchedule schedule = new LearningRateSchedule(scheduler, 0.5, 3, 20);
    JsonNode expected = golden.get("schedules").get(scheduler.name());
    assertThat(expected).hasSize(20);
    for (int done = 0; done < 20; done++) {
      assertThat(schedule.at(done)).isCloseTo(expected.get(done).asDouble(), within(1e-12));
    }
  }

  private static List<Tensor> vector(Scope scope, JsonNode parts) {
    List<Tensor> vector = new ArrayList<>();
    for (JsonNode part : parts) {
      float[] values = new float[part.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = part.get(i).floatValue();
      }
      vector.add(scope.float32(values, 1, values.length));
    }
    return vector;
  }

  private static void assertSame(List<Tensor> found, JsonNode expected) {
    for (int part = 0; part < found.size(); part++) {
      float[] values = found.get(part).toFloatArray();
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i]).isCloseTo(expected.get(part).get(i).floatValue(), within(1e-6f));
      }
    }
  }
}
