package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConflictAttributionTest {

  @ParameterizedTest
  @CsvSource({"llama, Lora", "llama, Full", "qwen2, Lora", "qwen3, Full"})
  void itIsTheDotProductOfTrueGradients(String family, Mode mode) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(mode, 1);
    List<TokenizedExample> user = golden.examples("user");
    List<TokenizedExample> alignment = golden.examples("align");
    try (CausalLm model = mode == Mode.Lora ? golden.loadWithAdapter(training) : moved(golden);
        CausalLm start = golden.load(training);
        ReferenceModel reference = start.reference(alignment)) {
      double[] expected = fromTrueGradients(model, reference, user);
      double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();

      double[] found =
          new ConflictAttribution(model, reference, 2, () -> {}).measure(user).orElseThrow();

      for (int i = 0; i < expected.length; i++) {
        assertThat(found[i]).isCloseTo(expected[i], within(0.01 * largest));
      }
    }
  }

  /** The way back is a real one: the losses of a model that stands there. */
  @ParameterizedTest
  @CsvSource({"llama, Lora", "llama, Full"})
  void aFinishedModelIsComparedWithItselfOnTheWayBack(String family, Mode mode) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(mode, 1);
    List<TokenizedExample> user = golden.examples("user");
    List<TokenizedExample> alignment = golden.examples("align");
    try (CausalLm model = mode == Mode.Lora ? golden.loadWithAdapter(training) : moved(golden);
        CausalLm start = golden.load(training);
        ReferenceModel reference = model.reference(alignment, start);
        Scope scope = model.torch().scope().child()) {
      double[] found =
          new ConflictAttribution(model, reference, 2, () -> {})
              .measureFinished(user)
              .orElseThrow();

      Gradient gradient = model.newGradient(scope);
      double divergence =
          model
              .gradients()
              .addAlignment(
                  reference.batch(IntStream.range(0, reference.size()).boxed().toList()),
                  1,
                  gradient);
      double norm = Math.sqrt(dot(model, scope, gradient.vector(), gradient.vector()));
      double step = 6 * divergence / norm;
      double[] before = losses(model, user);
      model.trained().set(plus(model, gradient, -step / norm));
      double[] behind = losses(model, user);

      for (int i = 0; i < found.length; i++) {
        double expected = (behind[i] - before[i]) / step;
        assertThat(found[i]).isCloseTo(expected, within(1e-3 * Math.abs(expected) + 1e-5));
      }
    }
  }

  @Test
  void theStartModelCanBeAskedOnceItIsAnotherOne() {
    Golden golden = Golden.of("llama");
    Training training = Golden.training(Mode.Lora, 1);
    List<TokenizedExample> user = golden.examples("user");
    List<TokenizedExample> alignment = golden.examples("align");
    try (CausalLm model = golden.loadWithAdapter(training);
        CausalLm start = golden.load(training);
        ReferenceModel own = model.reference(alignment);
        ReferenceModel other = model.reference(alignment, start)) {
      assertThat(new ConflictAttribution(model, other, 2, () -> {}).measure(user).orElseThrow())
          .containsExactly(
              new ConflictAttribution(model, own, 2, () -> {}).measure(user).orElseThrow(),
              within(1e-4));
    }
  }

  private static double[] losses(CausalLm model, List<TokenizedExample> user) {
    return user.stream()
        .mapToDouble(example -> model.losses().crossEntropy(Batch.of(List.of(example))))
        .toArray();
  }

  private static Map<String, FloatTensor> plus(CausalLm model, Gradient gradient, double factor) {
    Map<String, FloatTensor> direction = model.trained().copies(gradient.vector());
    Map<String, FloatTensor> sum = new HashMap<>();
    model
        .trained()
        .copies()
        .forEach(
            (name, tensor) -> {
              float[] values = tensor.values().clone();
              for (int i = 0; i < values.length; i++) {
                values[i] += (float) (factor * direction.get(name).values()[i]);
              }
              sum.put(name, new FloatTensor(tensor.shape(), values));
            });
    return sum;
  }

  @Test
  void theModelIsNotChanged() {
    Golden golden = Golden.of("llama");
    try (CausalLm model = golden.loadWithAdapter(Golden.training(Mode.Lora, 1));
        ReferenceModel reference = model.reference(golden.examples("align"))) {
      Map<String, FloatTensor> before = model.trained().copies();

      ConflictAttribution attribution = new ConflictAttribution(model, reference, 4, () -> {});
      attribution.measure(golden.examples("user"));
      attribution.measureFinished(golden.examples("user"));

      model
          .trained()
          .copies()
          .forEach((name, now) -> assertThat(now.values()).isEqualTo(before.get(name).values()));
    }
  }

  @Test
  void theStartModelHasNoDirectionToMeasureAlong() {
    Golden golden = Golden.of("llama");
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1));
        ReferenceModel reference = model.reference(golden.examples("align"))) {
      ConflictAttribution attribution = new ConflictAttribution(model, reference, 4, () -> {});
      assertThat(attribution.measure(golden.examples("user"))).isEmpty();
      assertThat(attribution.measureFinished(golden.examples("user"))).isEmpty();
    }
  }

  private static CausalLm moved(Golden golden) {
    CausalLm model = golden.load(Golden.training(Mode.Full, 1));
    Golden.scaleWeights(model, 1.1f);
    return model;
  }

  private static double[] fromTrueGradients(
      CausalLm model, ReferenceModel reference, List<TokenizedExample> user) {
    try (Scope scope = model.torch().scope().child()) {
      Gradient alignment = model.newGradient(scope);
      model
          .gradients()
          .addAlignment(
              reference.batch(IntStream.range(0, reference.size()).boxed().toList()), 1, alignment);
      double norm = Math.sqrt(dot(model, scope, alignment.vector(), alignment.vector()));
      return user.stream()
          .mapToDouble(
              example -> {
                Gradient one = model.newGradient(scope);
                model.gradients().addUser(Batch.of(List.of(example)), 1, one);
                return -dot(model, scope, one.vector(), alignment.vector()) / norm;
              })
          .toArray();
    }
  }

  private static double dot(CausalLm model, Scope scope, List<Tensor> a, List<Tensor> b) {
    return model.torch().operators().one(scope, "dot", a, b).item();
  }
}
