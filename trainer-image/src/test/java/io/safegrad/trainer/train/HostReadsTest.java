package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Method;
import io.safegrad.api.v1alpha1.Method.OnConflict;
import io.safegrad.api.v1alpha1.Method.ProjectionScope;
import io.safegrad.api.v1alpha1.Training;
import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A GPU is waited for at every reading; so a step reads what the projection asks, and its end. */
class HostReadsTest {

  @ParameterizedTest
  @CsvSource({
    "Sft, 0, Lora, 1, 1",
    "Sft, 0, Full, 2, 1",
    "Lisa, 0, Lora, 1, 1",
    "SafeGrad, 0, Lora, 1, 2",
    "SafeGrad, 0, Lora, 2, 2",
    "SafeGrad, 0, Full, 2, 2",
    "SafeGrad, 8, Lora, 1, 2",
    "WeightedSum, 0, Lora, 1, 2",
    "Spag, 0, Lora, 1, 2"
  })
  void aStepReads(Method.Name name, int historySize, Mode mode, int accumulationSteps, int times) {
    Golden golden = Golden.of("llama");
    Training training = Golden.training(mode, 4, 1, accumulationSteps);
    Method method =
        new Method(
            name,
            1.0,
            1,
            ProjectionScope.Global,
            1,
            historySize,
            null,
            null,
            OnConflict.Project,
            null);
    List<Long> reads = new ArrayList<>();
    try (CausalLm model = golden.load(training)) {
      reads.add(model.torch().hostReads());
      new TrainingLoop(model, method, training)
          .run(
              golden.examples("user"),
              golden.examples("align"),
              step -> reads.add(model.torch().hostReads()));
    }
    for (int step = 1; step < reads.size(); step++) {
      assertThat(reads.get(step) - reads.get(step - 1)).as("step " + step).isEqualTo(times);
    }
    assertThat(reads).hasSize(5);
  }
}
