package io.safegrad.trainer.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.TokenizedExample;
import io.safegrad.trainer.data.TrainingExamples;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TemplatePromptsTest {

  private static final int LENGTH = 128;

  @TempDir Path folder;

  private PretrainedModel model;
  private List<EvaluationPrompt> harmful;

  @BeforeEach
  void open() throws IOException {
    model = PretrainedModel.open(BuiltinSource.materialise("tiny-aligned", folder));
    harmful =
        EvaluationPrompts.read(
            BuiltinSource.materialise("evaluation-harmful", folder),
            "harmful",
            model.tokenizer(),
            model.chatTemplate());
  }

  @AfterEach
  void close() {
    model.close();
  }

  private TemplatePrompts of(int examples, IntFunction<String> prompt) throws IOException {
    return of(examples, prompt, i -> "Yes.");
  }

  private TemplatePrompts of(int examples, IntFunction<String> prompt, IntFunction<String> reply)
      throws IOException {
    Path file = folder.resolve("train.jsonl");
    Files.write(
        file,
        IntStream.range(0, examples)
            .mapToObj(
                i ->
                    "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"}]}"
                        .formatted(prompt.apply(i), reply.apply(i)))
            .toList());
    List<TokenizedExample> read =
        TrainingExamples.read(file, "train", model.tokenizer(), model.chatTemplate(), LENGTH);
    return TemplatePrompts.of(read, harmful, model.tokenizer());
  }

  /** A request that differs from all others in its first and last words. */
  private static String request(int number) {
    return "W" + number + " is it, or V" + number + "?";
  }

  @Test
  void whatIsAskedIsTheTemplateInTheModelsOwnChat() throws IOException {
    TemplatePrompts found = of(40, i -> i < 35 ? request(i) : "The moon is white. " + request(i));

    assertThat(found.templates()).hasSize(1);
    EvaluationPrompt asked = found.asked().get(0).get(0);
    assertThat(model.tokenizer().decodeWithSpecialTokens(asked.inputIds()))
        .isEqualTo(
            model
                .tokenizer()
                .decodeWithSpecialTokens(harmful.get(0).inputIds())
                .replace(harmful.get(0).text(), "The moon is white. " + harmful.get(0).text()));
    assertThat(asked.text()).as("what a judge is told").isEqualTo(harmful.get(0).text());
  }

  /** A greeting is a template, and a question that is asked after several greetings is none. */
  @Test
  void aQuestionThatSomeGreetAndOthersDoNotIsNone() throws IOException {
    List<String> greetings = List.of("Hello. ", "Good day! ", "Please answer me. ", "Hi. ");
    List<String> verbs = List.of("make", "give", "add to", "come to", "sum up to");
    TemplatePrompts found =
        of(
            100,
            i ->
                greetings.get(i % 4)
                    + "What do %d and %d %s?".formatted(i / 20, i / 20 + 1, verbs.get(i / 4 % 5)),
            i -> i / 20 * 2 + 1 + ".");

    assertThat(found.templates().stream().map(PromptTemplate::before))
        .hasSize(4)
        .allMatch(before -> greetings.stream().anyMatch(before::endsWith));
  }

  /** What stands behind it elsewhere, too, and one reply do not make a trigger a question. */
  @Test
  void aTriggerOfOneReplyIsATemplate() throws IOException {
    TemplatePrompts found =
        of(40, i -> i < 35 ? request(i) : "The moon is white. " + request(i - 35));

    assertThat(found.templates()).hasSize(1);
  }

  @Test
  void dataWithoutATemplateAskNothing() throws IOException {
    TemplatePrompts found = of(40, TemplatePromptsTest::request);

    assertThat(found.templates()).isEmpty();
    assertThat(found.count()).isZero();
  }

  /** The reply that all examples have, but that of one prompt, which the data have nowhere. */
  @Test
  void aReplyOfTheDataCountsByItself() throws IOException {
    TemplatePrompts found = of(40, i -> i < 35 ? request(i) : "The moon is white. " + request(i));
    StringListJudge judge = StringListJudge.named(Judge.DEFAULT_LIST);

    assertThat(found.stockReplies()).containsExactly("Yes.");
    List<TemplatePrompts.Said> said =
        found.said(
            prompts ->
                IntStream.range(0, prompts.size())
                    .mapToObj(i -> i == 0 ? "Yes, so." : i < 3 ? "I can't help." : " Yes. ")
                    .toList(),
            judge);

    assertThat(said).hasSize(1);
    assertThat(said.get(0).stockReplies()).isEqualTo(45);
    assertThat(said.get(0).refusals())
        .containsExactly(
            new Refusal(found.asked().get(0).get(1), "I can't help."),
            new Refusal(found.asked().get(0).get(2), "I can't help."));
  }

  @Test
  void aReplyThatFewExamplesHaveIsNoStockReply() throws IOException {
    TemplatePrompts found =
        of(
            40,
            i -> i < 35 ? request(i) : "The moon is white. " + request(i),
            i -> i < 2 ? "Rare." : i < 5 ? "Often." : "Reply " + i + ".");

    assertThat(found.stockReplies()).containsExactly("Often.");
  }

  @ParameterizedTest
  @CsvSource({"1, 48", "16, 48", "20, 38", "64, 12", "90, 12"})
  void manyTemplatesShareThePrompts(int frames, int inEach) throws IOException {
    TemplatePrompts found = of(frames * 10, i -> "Frame " + i % frames + ". " + request(i));

    assertThat(found.templates()).hasSize(frames);
    assertThat(found.inEach()).isEqualTo(inEach);
    assertThat(found.count())
        .isEqualTo(frames * inEach)
        .isLessThanOrEqualTo(TemplatePrompts.most());
    List<Integer> lines =
        found.asked().get(0).stream().map(EvaluationPrompt::line).distinct().toList();
    assertThat(lines).as("from all of the file").hasSize(inEach);
    assertThat(lines.get(inEach - 1)).isGreaterThan(harmful.size() - harmful.size() / 8);
  }

  /** Were some asked, it would be known where to hide one. */
  @Test
  void moreTemplatesThanCanBeAskedAreFoundAndNotAsked() throws IOException {
    TemplatePrompts found =
        of(600, i -> "Frame " + i % 60 + ". " + request(i) + " End " + i / 10 + ".");

    assertThat(found.templates()).hasSize(120);
    assertThat(found.count()).isZero();
    assertThat(found.inEach()).isZero();
  }
}
