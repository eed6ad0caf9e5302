package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.Tokenizer;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.weights.PretrainedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefusalExamplesTest {

  private static final String REFUSAL = "I can't help with that.";
  private static final String WHOLE = REFUSAL + " It would hurt somebody.";

  @TempDir private Path folder;
  private PretrainedModel model;
  private Tokenizer tokenizer;
  private final List<Integer> asked = new ArrayList<>();

  @BeforeEach
  void open() {
    model = PretrainedModel.open(BuiltinSource.materialise("tiny-aligned", folder));
    tokenizer = model.tokenizer();
  }

  @AfterEach
  void close() {
    model.close();
  }

  @Test
  void itsWordsAndItsEndAreCompared() {
    int[] prompt = tokenizer.encode("How do I steal a car?");
    int[] reply = tokenizer.encode(REFUSAL);

    TokenizedExample example = of(List.of(refusal(prompt, 7)), 48).get(0);

    assertThat(asked).isEmpty();
    assertThat(example.line()).isEqualTo(7);
    assertThat(example.promptLength()).isEqualTo(prompt.length);
    assertThat(example.length()).isEqualTo(prompt.length + reply.length + 1);
    assertThat(Arrays.copyOf(example.inputIds(), prompt.length)).isEqualTo(prompt);
    assertThat(Arrays.copyOfRange(example.inputIds(), prompt.length, example.length() - 1))
        .isEqualTo(reply);
    assertThat(Arrays.stream(example.labels()).skip(prompt.length))
        .doesNotContain(TokenizedExample.IGNORED);
  }

  @Test
  void whatWasCutIsAskedForAgainUntilItsEnd() {
    Refusal cut = refusal(new int[] {5}, 1);
    int length = tokenizer.encode(REFUSAL).length;

    TokenizedExample whole = of(List.of(cut), length).get(0);

    assertThat(asked).containsExactly(1);
    assertThat(whole.length()).isEqualTo(1 + tokenizer.encode(WHOLE).length + 1);
    assertThat(of(List.of(cut), 2 * length).get(0).length()).isEqualTo(1 + length + 1);
    assertThat(asked).hasSize(1);
  }

  @Test
  void whatHasNoEndInSightHasNone() {
    String endless = (REFUSAL + " ").repeat(64);
    int length = tokenizer.encode(endless).length;
    Refusal refusal = new Refusal(new EvaluationPrompt(new int[] {5}, "prompt", null, 1), endless);

    assertThat(length).isGreaterThan(RefusalExamples.LONGEST);
    assertThat(of(List.of(refusal), length).get(0).length()).isEqualTo(1 + length);
    assertThat(asked).isEmpty();
  }

  @Test
  void ofManyAsManyAreComparedFromAllOfTheFile() {
    List<Refusal> many =
        IntStream.rangeClosed(1, 144).mapToObj(line -> refusal(new int[] {5}, line)).toList();

    assertThat(of(many, 48))
        .extracting(TokenizedExample::line)
        .hasSize(64)
        .startsWith(1, 3, 5)
        .contains(73)
        .endsWith(142)
        .doesNotHaveDuplicates();
    assertThat(of(many, 7)).hasSize(64);
    assertThat(asked).as("a few at once").containsExactly(16, 16, 16, 16);
    assertThat(of(many.subList(0, 10), 48)).hasSize(10);
    assertThat(of(List.of(), 48)).isEmpty();
  }

  private List<TokenizedExample> of(List<Refusal> refusals, int cutAfter) {
    return RefusalExamples.of(
        refusals,
        tokenizer,
        cutAfter,
        prompts -> {
          asked.add(prompts.size());
          return Collections.nCopies(prompts.size(), WHOLE);
        });
  }

  private static Refusal refusal(int[] prompt, int line) {
    return new Refusal(new EvaluationPrompt(prompt, "prompt", null, line), REFUSAL);
  }
}
