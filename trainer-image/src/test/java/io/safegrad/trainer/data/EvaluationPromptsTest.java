package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.trainer.GoldenFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluationPromptsTest {

  private static Tokenizer tokenizer;
  private static ChatTemplate template;

  @TempDir Path folder;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = TokenizerTest.toy();
    template =
        ChatTemplate.of(
            Files.readString(GoldenFiles.path("templates/smollm2.jinja")), "smollm2", Map.of());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private List<EvaluationPrompt> read(String text) throws IOException {
    Path file = folder.resolve("evaluation.jsonl");
    Files.writeString(file, text);
    return EvaluationPrompts.read(file, "evaluation", tokenizer, template);
  }

  @Test
  void readsEveryFormAndTheExpectedReply() throws IOException {
    List<EvaluationPrompt> prompts =
        read(
            """
            {"messages": [{"role": "user", "content": "q"}]}
            {"messages": [{"role": "user", "content": "q"}], "completion": "r"}
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "r"}]}
            {"prompt": [{"role": "user", "content": "q"}], \
            "completion": [{"role": "assistant", "content": "r"}]}
            {"prompt": "q", "completion": "r"}
            {"prompt": "q"}
            """);
    int[] chat = tokenizer.encode(template.render(List.of(new Message("user", "q")), true));

    assertThat(prompts).extracting(EvaluationPrompt::line).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(prompts)
        .extracting(EvaluationPrompt::expected)
        .containsExactly(null, "r", "r", "r", "r", null);
    assertThat(prompts.subList(0, 4)).allSatisfy(p -> assertThat(p.inputIds()).isEqualTo(chat));
    assertThat(prompts.subList(4, 6))
        .allSatisfy(p -> assertThat(p.inputIds()).isEqualTo(tokenizer.encode("q")));
  }

  @Test
  void aPromptIsTheStartOfTheExampleThatIsTrainedOn() throws IOException {
    String line =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"How do I bake bread?\"},"
            + " {\"role\": \"assistant\", \"content\": \"Mix flour\"}]}";
    EvaluationPrompt prompt = read(line).get(0);
    TokenizedExample example =
        TrainingExamples.read(
                folder.resolve("evaluation.jsonl"), "evaluation", tokenizer, template, 512)
            .get(0);

    assertThat(example.inputIds()).startsWith(prompt.inputIds());
    assertThat(example.labels()[prompt.inputIds().length - 1]).isEqualTo(TokenizedExample.IGNORED);
    assertThat(example.labels()[prompt.inputIds().length]).isNotEqualTo(TokenizedExample.IGNORED);
  }

  @Test
  void anInstructionIsPutAsInTraining() throws IOException {
    Path file = folder.resolve("task.csv");
    Files.writeString(file, "instruction,input,output\nAdd,1 and 2,3\nGreet,,Hello\n");
    List<EvaluationPrompt> prompts = EvaluationPrompts.read(file, "task.csv", tokenizer, template);
    List<TokenizedExample> examples =
        TrainingExamples.read(file, "task.csv", tokenizer, template, 512);

    assertThat(prompts).extracting(EvaluationPrompt::expected).containsExactly("3", "Hello");
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(examples.get(i).inputIds()).startsWith(prompts.get(i).inputIds());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{\"text\": \"secret\"} ~ evaluation:1: expected one of the fields messages, prompt or"
            + " instruction, found none",
        "{\"prompt\": \"secret\", \"messages\": []} ~ evaluation:1: expected one of the"
            + " fields messages, prompt or instruction, found messages and prompt",
        "{\"instruction\": \"secret\", \"input\": 3} ~ evaluation:1: field input: expected a text,"
            + " found a number",
        "{\"prompt\": \"\"} ~ evaluation:1: expected a prompt of at least one token, found none",
        "{\"prompt\": 3} ~ evaluation:1: field prompt: expected a text, found a number",
        "{\"prompt\": \"x\", \"completion\": 3} ~ evaluation:1: field completion: expected a text,"
            + " found a number",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\","
            + " \"content\": \"secret\"}], \"completion\": \"r\"} ~ evaluation:1: expected one"
            + " reply, found both the field completion and an assistant's last turn",
      })
  void aBrokenLineIsNamedAndNeverQuoted(String line, String message) {
    assertThatThrownBy(() -> read(line)).hasMessage(message);
  }
}
