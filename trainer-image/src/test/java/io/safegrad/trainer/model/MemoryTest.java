package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Lora;
import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.GradientCheckpointing;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.tensor.Scope;
import io.safegrad.trainer.tensor.Tensor;
import io.safegrad.trainer.train.ExampleOrder;
import io.safegrad.trainer.train.StepMetrics;
import io.safegrad.trainer.train.TrainingLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryTest {

  private static final int STEPS = 30;

  private final Golden golden = Golden.of("qwen3");

  @Test
  void garbageCollectionChangesNoGradient() {
    List<Double> calm = new ArrayList<>();
    train(Mode.Lora, 2, (model, metrics) -> calm.add(metrics.gradNorm()));
    List<Double> collected = new ArrayList<>();
    List<byte[]> garbage = new ArrayList<>();
    train(
        Mode.Lora,
        2,
        (model, metrics) -> {
          collected.add(metrics.gradNorm());
          for (int i = 0; i < 200; i++) {
            garbage.add(new byte[10_000]);
          }
          garbage.clear();
          System.gc();
        });
    assertThat(collected).isEqualTo(calm).hasSize(STEPS);
  }

  @ParameterizedTest
  @CsvSource({"Lora, 4", "Lora, 1", "Full, 4"})
  void noStepLeavesATensorOpen(Mode mode, int alignmentBatchSize) {
    List<Integer> open = new ArrayList<>();
    train(mode, alignmentBatchSize, (model, metrics) -> open.add(model.torch().scope().open()));
    // The start model's states of an alignment example are kept from its first use on.
    int allSeen = golden.examples("align").size();
    assertThat(allSeen).isLessThan(STEPS / 2);
    assertThat(open.get(STEPS - 1)).isEqualTo(open.get(allSeen));
  }

  @ParameterizedTest
  @CsvSource({
    "llama, Lora",
    "gemma2, Lora",
    "gemma3, Lora",
    "qwen3, Lora",
    "phi3, Lora",
    "qwen2, Full"
  })
  void recomputationChangesNoBitOfAnyGradient(String family, Mode mode) {
    Golden toy = Golden.of(family);
    assertThat(gradient(toy, mode, GradientCheckpointing.Always))
        .isDeepEqualTo(gradient(toy, mode, GradientCheckpointing.Never))
        .isDeepEqualTo(gradient(toy, mode, GradientCheckpointing.Auto));
  }

  private static float[][] gradient(Golden toy, Mode mode, GradientCheckpointing asked) {
    Training training = recomputing(mode, asked);
    Batch batch = Batch.of(toy.examples("user"));
    try (CausalLm model = mode == Mode.Full ? toy.load(training) : toy.loadWithAdapter(training);
        Scope scope = model.torch().scope().child()) {
      Gradient gradient = model.newGradient(scope);
      model.gradients().addUser(batch, 1, gradient, 7);
      return gradient.vector().stream().map(Tensor::toFloatArray).toArray(float[][]::new);
    }
  }

  /** With dropout, whose masks a second forward has to draw again. */
  private static Training recomputing(Mode mode, GradientCheckpointing asked) {
    Training plain = Golden.training(mode, 1);
    return new Training(
        mode,
        plain.epochs(),
        plain.maxSteps(),
        plain.batchSize(),
        plain.gradientAccumulationSteps(),
        plain.maxLength(),
        plain.packing(),
        plain.groupByLength(),
        plain.learningRate(),
        plain.scheduler(),
        plain.warmupRatio(),
        plain.weightDecay(),
        plain.maxGradNorm(),
        plain.seed(),
        plain.saveSteps(),
        plain.saveTotalLimit(),
        plain.evalSteps(),
        plain.earlyStoppingPatience(),
        plain.earlyStoppingThreshold(),
        plain.loadBestModelAtEnd(),
        asked,
        plain.bf16(),
        new Lora(
            plain.lora().rank(), plain.lora().alpha(), 0.25, false, plain.lora().targetModules()));
  }

  @Test
  void generationLeavesNoTensorOpen() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      model.generate(List.of(new int[] {1, 2}), 5, Set.of());
      int open = model.torch().scope().open();
      model.generate(List.of(new int[] {1, 2}, new int[] {3, 4}, new int[] {5}), 20, Set.of(88));
      assertThat(model.torch().scope().open()).isEqualTo(open);
    }
  }

  /** Told of the model and of each step. */
  private interface Listener {
    void accept(CausalLm model, StepMetrics metrics);
  }

  private void train(Mode mode, int alignmentBatchSize, Listener listener) {
    Training training = Golden.training(mode, STEPS);
    Method method = new Method(Method.Name.SafeGrad, 1.0, alignmentBatchSize);
    try (CausalLm model = golden.load(training)) {
      Consumer<StepMetrics> each = metrics -> listener.accept(model, metrics);
      new TrainingLoop(model, method, training, ExampleOrder.FILE)
          .run(golden.examples("user"), golden.examples("align"), each);
    }
  }
}
