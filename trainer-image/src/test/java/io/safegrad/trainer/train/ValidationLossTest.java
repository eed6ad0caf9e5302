package io.safegrad.trainer.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.safegrad.api.v1alpha1.Training.Mode;
import io.safegrad.trainer.data.Batch;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.Golden;
import io.safegrad.trainer.tensor.Scope;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ValidationLossTest {

  private final Golden golden = Golden.of("llama");
  private final List<TokenizedExample> examples = golden.examples("user");

  @ParameterizedTest
  @EnumSource(Mode.class)
  void itIsTheTrainingLossAndChangesNothing(Mode mode) {
    try (CausalLm model = golden.load(Golden.training(mode, 1));
        Scope scope = model.torch().scope().child()) {
      Batch all = Batch.of(examples);
      int tokens =
          (int)
              examples.stream()
                  .flatMapToInt(example -> Arrays.stream(example.labels()).skip(1))
                  .filter(label -> label != TokenizedExample.IGNORED)
                  .count();
      double expected = model.gradients().addUser(all, 1, model.newGradient(scope)) / tokens;

      ValidationLoss first = ValidationLoss.of(model, examples, 1);
      ValidationLoss again = ValidationLoss.of(model, examples, 1);

      assertThat(first.loss()).isCloseTo(expected, within(1e-5));
      assertThat(first.responseTokens()).isEqualTo(tokens);
      assertThat(first.examples()).isEqualTo(examples.size());
      assertThat(again).isEqualTo(first);
    }
  }

  @Test
  void theBatchSizeDoesNotMatter() {
    try (CausalLm model = golden.load(Golden.training(Mode.Lora, 1))) {
      double one = ValidationLoss.of(model, examples, 1).loss();

      assertThat(ValidationLoss.of(model, examples, 3).loss()).isCloseTo(one, within(1e-5));
      assertThat(ValidationLoss.of(model, examples, 100).loss()).isCloseTo(one, within(1e-5));
    }
  }
}
