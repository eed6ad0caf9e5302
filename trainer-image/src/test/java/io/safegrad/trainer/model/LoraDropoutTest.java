package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.model.ReferenceModel.AlignmentBatch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoraDropoutTest {

  private final Golden golden = Golden.of("llama");
  private final Batch user = Batch.of(golden.examples("user").subList(0, 4));

  @Test
  void thePassNamesWhatDropsOut() {
    try (CausalLm model = golden.loadWithAdapter(training(0.5))) {
      double one = loss(model, 1);
      assertThat(loss(model, 1)).isEqualTo(one);
      assertThat(loss(model, 2)).isNotEqualTo(one);
      assertThat(model.losses().crossEntropy(user)).isEqualTo(loss(model, null));
    }
    try (CausalLm model = golden.loadWithAdapter(training(0))) {
      assertThat(loss(model, 1)).isEqualTo(loss(model, null)).isEqualTo(loss(model, 2));
    }
  }

  /** The loss is a function of the adapter once the masks are given: its slope is the gradient. */
  @ParameterizedTest
  @ValueSource(strings = {"llama", "qwen3"})
  void theGradientIsTheSlopeOfTheLossUnderTheSameMasks(String family) {
    Golden golden = Golden.of(family);
    Batch batch = Batch.of(golden.examples("user").subList(0, 4));
    try (CausalLm model = golden.loadWithAdapter(training(0.3));
        Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      model.gradients().addUser(batch, 1, gradient, 7);
      Map<String, FloatTensor> slopes = model.trained().copies(gradient);
      Map<String, FloatTensor> adapter = model.trained().copies();
      for (String name : adapter.keySet()) {
        float[] direction = direction(adapter.get(name).values().length);
        double expected = 0;
        for (int i = 0; i < direction.length; i++) {
          expected += (double) direction[i] * slopes.get(name).values()[i];
        }
        double step = 2e-2;
        double found =
            (moved(model, batch, adapter, name, direction, step)
                    - moved(model, batch, adapter, name, direction, -step))
                / (2 * step);
        assertThat(found).as(name).isCloseTo(expected, within(0.02 * Math.abs(expected) + 5e-3));
      }
    }
  }

  @Test
  void onAverageTheAdapterIsAsStrongAsWithout() {
    try (CausalLm model = golden.loadWithAdapter(training(0.2))) {
      double mean = 0;
      for (int pass = 0; pass < 200; pass++) {
        mean += loss(model, pass) / 200;
      }
      double without = loss(model, null);
      double start = startLoss();
      assertThat(Math.abs(mean - without)).isLessThan(0.2 * Math.abs(start - without));
    }
  }

  @Test
  void alignmentExamplesHaveNone() {
    try (CausalLm model = golden.load(training(0.5));
        Scope scope = model.torch().scope().child();
        ReferenceModel reference = model.reference(golden.examples("align"))) {
      for (List<Integer> indexes : List.of(List.of(0), List.of(0, 1, 2, 3, 4, 5))) {
        AlignmentBatch alignment = reference.batch(indexes);
        Gradient userGradient = model.newGradient(scope);
        Gradient alignmentGradient = model.newGradient(scope);
        List<Tensor> losses =
            model
                .gradients()
                .addBoth(scope, user, 1, alignment, 1, userGradient, alignmentGradient, 3);
        // The model is the start model, whatever drops out of an adapter that adds nothing.
        assertThat(losses.get(1).item()).isCloseTo(0, within(1e-4));
        for (FloatTensor tensor : model.trained().copies(alignmentGradient).values()) {
          for (float value : tensor.values()) {
            assertThat(value).isCloseTo(0, within(1e-4f));
          }
        }
      }
    }
  }

  @Test
  void neighbouringNumbersDrawDifferentMasks() {
    LoraDropout one = new LoraDropout(0.1, 8, LoraDropout.mixed(1));
    LoraDropout other = new LoraDropout(0.1, 8, LoraDropout.mixed(2));
    assertThat(one.dropped(0)[1]).isNotEqualTo(one.dropped(1)[1]).isNotEqualTo(other.dropped(0)[1]);
    assertThat(one.dropped(0)[1] % 8).isZero();
    assertThat(one.dropped(0)[1]).isBetween(0L, 0xFFFFFFFFL);
  }

  private double loss(CausalLm model, Integer pass) {
    try (Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      return pass == null
          ? model.gradients().addUser(user, 1, gradient)
          : model.gradients().addUser(user, 1, gradient, pass);
    }
  }

  private double startLoss() {
    try (CausalLm model = golden.load(training(0))) {
      return model.losses().crossEntropy(user);
    }
  }

  private static double moved(
      CausalLm model,
      Batch batch,
      Map<String, FloatTensor> adapter,
      String name,
      float[] direction,
      double step) {
    Map<String, FloatTensor> moved = new LinkedHashMap<>(adapter);
    float[] values = adapter.get(name).values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] += (float) (step * direction[i]);
    }
    moved.put(name, new FloatTensor(adapter.get(name).shape(), values));
    model.trained().set(moved);
    try (Scope scope = model.torch().scope().child()) {
      return model.gradients().addUser(batch, 1, model.newGradient(scope), 7);
    } finally {
      model.trained().set(adapter);
    }
  }

  /** Of length 1. */
  private static float[] direction(int size) {
    Random random = new Random(size);
    float[] values = new float[size];
    double squares = 0;
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
      squares += values[i] * values[i];
    }
    for (int i = 0; i < size; i++) {
      values[i] /= (float) Math.sqrt(squares);
    }
    return values;
  }

  private static Training training(double dropout) {
    Training plain = Golden.training(Mode.Lora, 1);
    return new Training(
        plain.mode(),
        plain.epochs(),
        plain.maxSteps(),
        plain.batchSize(),
        plain.gradientAccumulationSteps(),
        plain.maxLength(),
        plain.learningRate(),
        plain.scheduler(),
        plain.warmupRatio(),
        plain.weightDecay(),
        plain.maxGradNorm(),
        plain.seed(),
        plain.saveSteps(),
        plain.saveTotalLimit(),
        new Lora(
            plain.lora().rank(),
            plain.lora().alpha(),
            dropout,
            false,
            plain.lora().targetModules()));
  }
}
