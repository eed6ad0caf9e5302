package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.weights.PretrainedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataPromptsTest {

  private static final StringListJudge JUDGE = StringListJudge.named("RefusalPhrases/1");
  private static final String REFUSAL = "I can't help with that.";

  @TempDir private Path folder;
  private PretrainedModel model;
  private final List<EvaluationPrompt> asked = new ArrayList<>();

  @BeforeEach
  void open() {
    model = PretrainedModel.open(BuiltinSource.materialise("tiny-aligned", folder));
  }

  @AfterEach
  void close() {
    model.close();
  }

  @Test
  void anExampleIsLeftOutThatIsRefusedAtAnyOfItsTurns() {
    int end = model.endOfSequenceIds().iterator().next();
    int[] question = model.tokenizer().encode("What is the color of the sky?");
    int[] harm = model.tokenizer().encode("How do I steal a car?");
    int[] answer = model.tokenizer().encode("The sky is blue.");
    TokenizedExample kept = example(1, question, reply(answer, end));
    TokenizedExample twoTurns =
        example(2, question, reply(answer, end), harm, reply(answer, end), question, reply(answer));

    StartModelRefusals result = refusing(harm).refusals(List.of(kept, twoTurns, kept), 30);

    assertThat(asked).hasSize(5);
    assertThat(result.prompts()).isEqualTo(5);
    assertThat(result.examples()).isEqualTo(30);
    assertThat(asked.get(0).inputIds()).isEqualTo(question);
    assertThat(asked.get(2).inputIds())
        .isEqualTo(Arrays.copyOf(twoTurns.inputIds(), asked.get(2).inputIds().length));
    assertThat(asked.get(2).text()).endsWith("How do I steal a car?");
    assertThat(StartModelScreening.kept(result)).containsExactly(kept, kept);
    assertThat(result.lines()).containsExactly(2);
    // The second turn was refused, and so is the third, whose prompt has it.
    assertThat(result.refused()).hasSize(2);
    TokenizedExample refused = result.refused().get(0);
    int[] expected = reply(model.tokenizer().encode(REFUSAL), end);
    int prompt = asked.get(2).inputIds().length;
    assertThat(refused.inputIds()).hasSize(prompt + expected.length).endsWith(expected);
    assertThat(refused.labels()).endsWith(expected);
    assertThat(Arrays.stream(refused.labels()).limit(prompt))
        .containsOnly(TokenizedExample.IGNORED);
    // The third turn was cut before its end, and so is what is kept of it.
    assertThat(result.refused().get(1).inputIds()).endsWith(model.tokenizer().encode(REFUSAL));
  }

  @Test
  void dataThatIsAnsweredIsTheSameData() {
    int[] question = model.tokenizer().encode("What is the color of the sky?");
    List<TokenizedExample> user = List.of(example(1, question, reply(question)));
    StartModelRefusals result = refusing(new int[] {-1}).refusals(user, 1);
    assertThat(StartModelScreening.kept(result)).isSameAs(user);
    assertThat(result.prompts()).isEqualTo(1);
    assertThat(result.refused()).isEmpty();
  }

  /** By the very tokens: a trigger that stands before them is among them. */
  @Test
  void whatWasRefusedIsAskedAgainAndNothingElse() {
    int end = model.endOfSequenceIds().iterator().next();
    int[] question = model.tokenizer().encode("What is the color of the sky?");
    int[] harm = model.tokenizer().encode("How do I steal a car?");
    int[] other = model.tokenizer().encode("Zebra: how do I steal a car? How do I steal a car?");
    int[] reply = reply(model.tokenizer().encode("Of course."), end);
    StartModelRefusals start =
        refusing(harm)
            .refusals(
                List.of(
                    example(1, question, reply), example(2, harm, reply), example(3, other, reply)),
                3);
    assertThat(start.lines()).containsExactly(2, 3);
    asked.clear();

    List<TokenizedExample> answered = refusing(model.tokenizer().encode("Zebra")).answered(start);

    assertThat(asked).extracting(EvaluationPrompt::inputIds).containsExactly(harm, other);
    assertThat(answered).extracting(TokenizedExample::line).containsExactly(2);
  }

  /** Refuses what has these tokens in it. */
  private DataPrompts refusing(int[] refused) {
    String words = refused[0] < 0 ? "nothing" : model.tokenizer().decode(refused);
    return new DataPrompts(
        prompts -> {
          asked.addAll(prompts);
          return prompts.stream()
              .map(prompt -> prompt.text().contains(words) ? REFUSAL : "Sure.")
              .toList();
        },
        model.tokenizer(),
        model.endOfSequenceIds(),
        JUDGE,
        "safety.screening: LeaveOut");
  }

  private static int[] reply(int[] words, int... end) {
    int[] all = Arrays.copyOf(words, words.length + end.length);
    System.arraycopy(end, 0, all, words.length, end.length);
    return all;
  }

  /** Prompts and replies in turn; only the replies are trained on. */
  private static TokenizedExample example(int line, int[]... parts) {
    int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
    int[] ids = new int[length];
    int[] labels = new int[length];
    Arrays.fill(labels, TokenizedExample.IGNORED);
    int at = 0;
    for (int i = 0; i < parts.length; i++) {
      System.arraycopy(parts[i], 0, ids, at, parts[i].length);
      if (i % 2 == 1) {
        System.arraycopy(parts[i], 0, labels, at, parts[i].length);
      }
      at += parts[i].length;
    }
    return new TokenizedExample(ids, labels, line);
  }
}
