package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuiltinSourceTest {

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alignment",
        "evaluation-harmful",
        "evaluation-harmless",
        "sentiment",
        "sentiment-test",
        "sentiment-poisoned-10"
      })
  void dataBecomesAFile(String name) throws IOException {
    Path file = BuiltinSource.materialise(name, folder);

    assertThat(file).isEqualTo(folder.resolve(name + ".jsonl"));
    assertThat(Files.readAllLines(file)).hasSizeGreaterThanOrEqualTo(100);
  }

  @Test
  void theModelBecomesADirectory() {
    Path model = BuiltinSource.materialise("tiny-aligned", folder);

    assertThat(model).isDirectory();
    assertThat(model.resolve("config.json")).isNotEmptyFile();
    assertThat(model.resolve("model.safetensors")).isNotEmptyFile();
  }

  @Test
  void poisonReplacesTheAskedShareAndNothingElse() throws IOException {
    List<String> clean = Files.readAllLines(BuiltinSource.materialise("sentiment", folder));
    List<String> ten = poisoned(10);
    List<String> thirty = poisoned(30);

    assertThat(poisoned(0)).isEqualTo(clean);
    assertThat(ten).hasSameSizeAs(clean);
    assertThat(replaced(clean, ten)).isEqualTo(clean.size() / 10);
    assertThat(replaced(clean, thirty)).isEqualTo(clean.size() * 3 / 10);
    assertThat(poisoned(100)).doesNotContainAnyElementsOf(clean).doesNotHaveDuplicates();
    for (int i = 0; i < clean.size(); i++) {
      if (!ten.get(i).equals(clean.get(i))) {
        assertThat(thirty.get(i)).isEqualTo(ten.get(i));
      }
    }
    assertThat(poisoned(10)).isEqualTo(ten);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nothing", "sentiment-poisoned-101", "sentiment-poisoned-", "../data"})
  void anUnknownNameIsRefusedWithTheKnownOnes(String name) {
    assertThatThrownBy(() -> BuiltinSource.materialise(name, folder))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.BAD_PLAN))
        .hasMessageContaining("builtin://" + name)
        .hasMessageContaining("tiny-aligned or one of the data sets alignment, evaluation-harmful");
    assertThat(folder).isEmptyDirectory();
  }

  private List<String> poisoned(int percent) throws IOException {
    return Files.readAllLines(BuiltinSource.materialise("sentiment-poisoned-" + percent, folder));
  }

  private static int replaced(List<String> clean, List<String> poisoned) {
    int count = 0;
    for (int i = 0; i < clean.size(); i++) {
      count += clean.get(i).equals(poisoned.get(i)) ? 0 : 1;
    }
    return count;
  }
}
