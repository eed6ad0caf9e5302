package io.safegrad.trainer.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.tensor.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReferenceModelTest {

  private final Golden golden = Golden.of("llama");
  private final List<TokenizedExample> examples = golden.examples("align").subList(0, 4);
  private final List<List<Integer>> passes = List.of(List.of(3, 0), List.of(2, 1));

  @Test
  void anExamplesStatesDoNotDependOnWhatIsAskedFirst() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1));
        ReferenceModel one = model.reference(examples, passes);
        ReferenceModel other = model.reference(examples, passes)) {
      one.batch(List.of(0, 1));
      other.batch(List.of(2));
      List<Tensor> found = one.batch(List.of(0, 1, 2, 3)).states();
      List<Tensor> expected = other.batch(List.of(0, 1, 2, 3)).states();
      for (int i = 0; i < examples.size(); i++) {
        assertThat(found.get(i).toFloatArray()).isEqualTo(expected.get(i).toFloatArray());
      }
    }
  }

  @Test
  void examplesThatAreComputedTogetherSeeThemselvesAlone() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1));
        ReferenceModel together = model.reference(examples, passes);
        ReferenceModel alone =
            model.reference(examples, List.of(List.of(0), List.of(1), List.of(2), List.of(3)))) {
      List<Tensor> found = together.batch(List.of(0, 1, 2, 3)).states();
      List<Tensor> expected = alone.batch(List.of(0, 1, 2, 3)).states();
      for (int i = 0; i < examples.size(); i++) {
        float[] wanted = expected.get(i).toFloatArray();
        float[] values = found.get(i).toFloatArray();
        assertThat(values).hasSameSizeAs(wanted);
        for (int j = 0; j < wanted.length; j++) {
          assertThat(values[j]).isCloseTo(wanted[j], within(1e-5f));
        }
      }
    }
  }
}
