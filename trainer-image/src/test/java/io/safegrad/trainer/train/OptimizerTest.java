package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Training.Scheduler;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
        double norm = clipping.apply(torch.operators(), scope, gradient);
        assertThat(norm).isCloseTo(step.get("norm").asDouble(), within(1e-5));
        optimizer.step(gradient, 0.01);
        assertSame(parameters, step.get("parameters"));
      }
    }
  }

  @Test
  void aMaximumOfZeroClipsNothing() {
    try (Torch torch = Torch.open()) {
      Tensor gradient = torch.scope().float32(new float[] {30, 40}, 2);
      double norm =
          new GradientClipping(0).apply(torch.operators(), torch.scope(), List.of(gradient));
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
      vector.add(scope.float32(values, values.length));
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
