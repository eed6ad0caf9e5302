package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.model.Gradient;
import io.safegrad.trainer.model.ReferenceModel;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.Window.Content;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** A window of packed examples is the window of the same examples. */
class PackedWindowTest {

  private static final int ROOM = 64;

  private record Result(
      GradientAccumulator.Losses losses, int tokens, List<float[]> user, List<float[]> alignment) {}

  @ParameterizedTest
  @FieldSource("io.safegrad.trainer.model.Golden#FAMILIES")
  void theGradientsAreThoseOfTheSameExamplesUnpacked(String family) {
    Golden golden = Golden.of(family);
    for (Mode mode : Mode.values()) {
      Training one = Golden.training(mode, 1, 100, 1);
      Training packed = with(one, "packing", true, ROOM);
      assertThat(ExampleRows.of(golden.examples("user"), packed).size()).isBetween(2, 6);
      try (CausalLm model = golden.load(one);
          ReferenceModel reference = model.reference(golden.examples("align"))) {
        moveAway(model, golden, mode);
        assertClose(
            accumulate(model, golden, reference, packed),
            accumulate(model, golden, reference, one));
      }
    }
  }

  private static void moveAway(CausalLm model, Golden golden, Mode mode) {
    if (mode == Mode.Lora) {
      model.trained().set(golden.tensors("adapter.safetensors"));
    } else {
      Golden.scaleWeights(model, 1.1f);
    }
  }

  private static Result accumulate(
      CausalLm model, Golden golden, ReferenceModel reference, Training training) {
    List<TokenizedExample> user = golden.examples("user");
    List<TokenizedExample> alignment = golden.examples("align");
    Method method = new Method(Method.Name.SafeGrad, 1.0, 3);
    try (Scope scope = model.torch().scope().child()) {
      GradientAccumulator gradients = new GradientAccumulator(model, scope, 1.0);
      Gradient userGradient = gradients.newGradient();
      Gradient alignmentGradient = gradients.newGradient();
      Window window =
          new WindowReader(
                  ExampleRows.of(user, training),
                  alignment,
                  reference,
                  null,
                  method,
                  training,
                  ExampleOrder.FILE)
              .next(Content.BOTH);
      GradientAccumulator.Losses losses =
          gradients.userAndAlignment(window, userGradient, alignmentGradient).get();
      return new Result(losses, window.numTokens(), copy(userGradient), copy(alignmentGradient));
    }
  }

  private static List<float[]> copy(Gradient gradient) {
    return gradient.vector().stream().map(Tensor::toFloatArray).toList();
  }

  private static void assertClose(Result found, Result expected) {
    assertThat(found.tokens()).isEqualTo(expected.tokens());
    assertThat(found.losses().user()).isCloseTo(expected.losses().user(), within(1e-5));
    assertThat(found.losses().alignment()).isCloseTo(expected.losses().alignment(), within(1e-5));
    assertClose(found.user(), expected.user());
    assertClose(found.alignment(), expected.alignment());
  }

  private static void assertClose(List<float[]> found, List<float[]> expected) {
    for (int i = 0; i < expected.size(); i++) {
      float largest = 0;
      for (float value : expected.get(i)) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat(found.get(i))
          .usingComparatorWithPrecision(2e-5f * largest)
          .containsExactly(expected.get(i));
    }
  }

  private static Training with(Training training, String field, boolean value, int maxLength) {
    ObjectMapper json = new ObjectMapper();
    ObjectNode changed = json.valueToTree(training);
    return json.convertValue(changed.put(field, value).put("maxLength", maxLength), Training.class);
  }
}
