package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import io.safegrad.trainer.tensor.ComputeType;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.train.TrainingLoop;
import io.safegrad.trainer.weights.FloatTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A device whose memory Java does not see, as a GPU: everything is copied there and back. Here it
 * is the processor, so that all must come out the same.
 */
class UnseenMemoryTest {

  private static final ComputeDevice UNSEEN = new ComputeDevice("cpu", false);

  /** What came out of a training, and what is read of a model. */
  private record Result(
      Map<String, FloatTensor> trained,
      List<Object> steps,
      float[] logits,
      List<List<Integer>> replies,
      long reads) {}

  @ParameterizedTest
  @CsvSource({
    "llama, Lora, SafeGrad, FLOAT32",
    "gemma2, Lora, SafeGrad, FLOAT32",
    "qwen3, Full, SafeGrad, FLOAT32",
    "llama, Lora, Spag, BFLOAT16",
    "phi3, Full, Lisa, BFLOAT16"
  })
  void aTrainingIsTheSame(String family, Mode mode, Method.Name method, ComputeType type) {
    Result found = train(family, mode, method, new Compute(UNSEEN, type));
    Result expected = train(family, mode, method, new Compute(ComputeDevice.CPU, type));
    assertThat(found).usingRecursiveComparison().isEqualTo(expected);
  }

  @Test
  void whatCannotBeSeenIsNotLookedAt() {
    Training training = Golden.training(Mode.Lora, 1);
    try (CausalLm model =
        Golden.of("llama").load(training, new Compute(UNSEEN, ComputeType.FLOAT32))) {
      assertThatThrownBy(() -> model.parameters().get(0).floats())
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private static Result train(String family, Mode mode, Method.Name method, Compute compute) {
    Golden golden = Golden.of(family);
    Training training = Golden.training(mode, 3, 2, 2);
    List<Object> steps = new ArrayList<>();
    try (CausalLm model = golden.load(training, compute)) {
      long before = model.torch().hostReads();
      new TrainingLoop(model, new Method(method, 1.0, 1), training)
          .run(
              golden.examples("user"),
              golden.examples("align"),
              step -> steps.add(List.of(step.gradNorm(), step.learningRate())));
      long reads = model.torch().hostReads() - before;
      Map<String, FloatTensor> trained = model.trained().copies();
      Batch batch = Batch.of(golden.examples("user"));
      float[] logits = model.losses().logits(batch).values();
      model.trained().set(trained);
      try (Scope scope = model.torch().scope().child()) {
        // What a checkpoint does: written from a file's contents, and read again.
        Gradient copy = model.newGradient(scope);
        model.trained().set(copy.vector(), model.trained().weights());
        assertThat(model.trained().copies(copy)).usingRecursiveComparison().isEqualTo(trained);
      }
      List<int[]> prompts =
          golden.examples("user").stream().map(example -> example.inputIds()).toList();
      List<List<Integer>> replies =
          model.generate(prompts, 4, Set.of()).stream()
              .map(reply -> Arrays.stream(reply).boxed().toList())
              .toList();
      return new Result(trained, steps, logits, replies, reads);
    }
  }
}
