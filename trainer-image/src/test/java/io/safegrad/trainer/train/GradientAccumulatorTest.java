package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Method;
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
import io.safegrad.trainer.train.GradientAccumulator.Losses;
import io.safegrad.trainer.train.Window.Content;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GradientAccumulatorTest {

  private final Golden golden = Golden.of("llama");

  /** What a window gives: its losses, and both gradients' tensors. */
  private record Result(Losses losses, List<float[]> user, List<float[]> alignment) {}

  @ParameterizedTest
  @EnumSource(Mode.class)
  void accumulatingTwiceEqualsOneDoubleBatch(Mode mode) {
    Training training = Golden.training(mode, 1);
    try (CausalLm model = moved(mode, training);
        CausalLm start = golden.load(training);
        ReferenceModel reference = start.reference(golden.examples("align"))) {
      Result twice = accumulate(model, reference, null, Golden.training(mode, 1, 2, 2), 2);
      Result once = accumulate(model, reference, null, Golden.training(mode, 1, 4, 1), 4);
      assertThat(twice.losses().user()).isCloseTo(once.losses().user(), within(1e-5));
      assertThat(twice.losses().alignment()).isCloseTo(once.losses().alignment(), within(1e-5));
      assertClose(twice.user(), once.user());
      assertClose(twice.alignment(), once.alignment());
    }
  }

  /** However many examples a user adds, and whatever is in them. */
  @Test
  void whatAUserAddsLeavesTheAlignmentGradientAsItWas() {
    Training training = Golden.training(Mode.Lora, 1, 2, 2);
    List<TokenizedExample> flood = Collections.nCopies(100_000, golden.examples("user").get(0));
    try (CausalLm model = moved(Mode.Lora, training);
        CausalLm start = golden.load(training);
        ReferenceModel reference = start.reference(golden.examples("align"));
        ReferenceModel own = start.reference(flood)) {
      Result without = accumulate(model, reference, null, training, 2);
      Result with = accumulate(model, reference, own, training, 2);
      assertThat(with.losses()).isEqualTo(without.losses());
      assertThat(with.alignment()).usingRecursiveComparison().isEqualTo(without.alignment());
      assertThat(with.user())
          .as("it is part of what the user wants")
          .usingRecursiveComparison()
          .isNotEqualTo(without.user());
    }
  }

  /** The user's seven examples come in micro-batches of 3, 3 and 1. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 7})
  void aReaderThatWasSkippedGoesOnWithTheSameExamplesOfTheUsersOwn(int windows) {
    Training training = Golden.training(Mode.Lora, 1, 3, 1);
    List<TokenizedExample> user =
        IntStream.range(0, 7).mapToObj(i -> golden.examples("user").get(i % 4)).toList();
    try (CausalLm model = golden.load(training);
        ReferenceModel reference = model.reference(golden.examples("align"));
        ReferenceModel own = model.reference(golden.examples("user"))) {
      Method method = new Method(Method.Name.SafeGrad, 1.0, 2);
      WindowReader reader = reader(user, reference, own, method, training);
      for (int i = 0; i < windows; i++) {
        reader.next(i % 2 == 0 ? Content.BOTH : Content.USER);
      }
      WindowReader resumed = reader(user, reference, own, method, training);
      resumed.skipTo(reader.position());
      for (int i = 0; i < 4; i++) {
        Batch expected = reader.next(Content.BOTH).microBatches().get(0).own().batch();
        Batch found = resumed.next(Content.BOTH).microBatches().get(0).own().batch();
        assertThat(found.inputIds()).isEqualTo(expected.inputIds());
      }
    }
  }

  private WindowReader reader(
      List<TokenizedExample> user,
      ReferenceModel reference,
      ReferenceModel own,
      Method method,
      Training training) {
    return new WindowReader(
        ExampleRows.of(user, training),
        golden.examples("align"),
        reference,
        own,
        method,
        training,
        ExampleOrder.SHUFFLED);
  }

  private CausalLm moved(Mode mode, Training training) {
    if (mode == Mode.Lora) {
      return golden.loadWithAdapter(training);
    }
    CausalLm model = golden.load(training);
    Golden.scaleWeights(model, 1.1f);
    return model;
  }

  private Result accumulate(
      CausalLm model,
      ReferenceModel reference,
      ReferenceModel own,
      Training training,
      int alignmentBatchSize) {
    List<TokenizedExample> user = golden.examples("user");
    List<TokenizedExample> alignment = golden.examples("align");
    Method method = new Method(Method.Name.SafeGrad, 1.0, alignmentBatchSize);
    try (Scope scope = model.torch().scope().child()) {
      GradientAccumulator gradients = new GradientAccumulator(model, scope, 1.0);
      Gradient userGradient = gradients.newGradient();
      Gradient alignmentGradient = gradients.newGradient();
      Window window =
          new WindowReader(
                  ExampleRows.of(user, training),
                  alignment,
                  reference,
                  own,
                  method,
                  training,
                  ExampleOrder.FILE)
              .next(Content.BOTH);
      assertThat(window.userLines()).containsExactly(1, 2, 3, 4);
      assertThat(window.alignmentLines()).containsExactly(1, 2, 3, 4);
      Losses losses = gradients.userAndAlignment(window, userGradient, alignmentGradient).get();
      return new Result(losses, values(userGradient.vector()), values(alignmentGradient.vector()));
    }
  }

  private static List<float[]> values(List<Tensor> vector) {
    return vector.stream().map(Tensor::toFloatArray).toList();
  }

  private static void assertClose(List<float[]> found, List<float[]> expected) {
    for (int part = 0; part < expected.size(); part++) {
      float largest = 0;
      for (float value : expected.get(part)) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat(found.get(part))
          .usingComparatorWithPrecision(1e-5f * largest)
          .containsExactly(expected.get(part));
    }
  }
}
