package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingExamplesTest {

  private static final String EXPECTED_FIELDS =
      "data:2: expected the fields messages (Chat), instruction and output (Instruction), prompt and"
          + " completion (PromptCompletion) or text (Text);";

  private static Tokenizer tokenizer;
  private static ChatTemplate template;

  @TempDir Path folder;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = TokenizerTest.toy();
    template = template("smollm2");
  }

  private static ChatTemplate template(String name) throws IOException {
    Path file = GoldenFiles.path("templates/" + name + ".jinja");
    return ChatTemplate.of(
        Files.readString(file),
        name,
        Map.of("bos_token", "<|im_start|>", "eos_token", "<|im_end|>"));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private List<TokenizedExample> read(String text, int maxLength) {
    return read(text.getBytes(StandardCharsets.UTF_8), maxLength);
  }

  private List<TokenizedExample> read(byte[] bytes, int maxLength) {
    Path file = folder.resolve("train.jsonl");
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return TrainingExamples.read(file, "data", tokenizer, template, maxLength);
  }

  private static String trained(TokenizedExample example) {
    return text(
        Arrays.stream(example.labels()).filter(id -> id != TokenizedExample.IGNORED).toArray());
  }

  /** Unlike decode, it shows special tokens. */
  private static String text(int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(
          switch (id) {
            case 0 -> "<|endoftext|>";
            case 1 -> "<|im_start|>";
            case 2 -> "<|im_end|>";
            default -> tokenizer.decode(new int[] {id});
          });
    }
    return text.toString();
  }

  @Test
  void trainsOnTheLastReplyAndItsEndToken() {
    List<TokenizedExample> examples =
        read(
            """
            {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a?"}, \
            {"role": "assistant", "content": "first"}, {"role": "user", "content": "b?"}, \
            {"role": "assistant", "content": "second one"}], "source": "not looked at"}
            """,
            512);

    assertThat(examples).hasSize(1);
    assertThat(text(examples.get(0).inputIds()))
        .isEqualTo(
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na?<|im_end|>\n"
                + "<|im_start|>assistant\nfirst<|im_end|>\n<|im_start|>user\nb?<|im_end|>\n"
                + "<|im_start|>assistant\nsecond one<|im_end|>");
    assertThat(trained(examples.get(0))).isEqualTo("second one<|im_end|>");
    assertThat(examples.get(0).line()).isEqualTo(1);
  }

  @Test
  void aPairOfChatsIsTheSameAsOneChat() {
    TokenizedExample chat =
        read(
                """
                {"messages": [{"role": "user", "content": "q"}, \
                {"role": "assistant", "content": "r"}]}
                """,
                512)
            .get(0);
    TokenizedExample pair =
        read(
                """
                {"prompt": [{"role": "user", "content": "q"}], \
                "completion": [{"role": "assistant", "content": "r"}]}
                """,
                512)
            .get(0);

    assertThat(pair.inputIds()).isEqualTo(chat.inputIds());
    assertThat(pair.labels()).isEqualTo(chat.labels());
  }

  @Test
  void textsAreJoinedWithoutATemplateAndClosed() {
    TokenizedExample example =
        read("{\"prompt\": \"The quick brown\", \"completion\": \" fox\"}\n", 512).get(0);

    assertThat(text(example.inputIds())).isEqualTo("The quick brown fox<|im_end|>");
    assertThat(trained(example)).isEqualTo(" fox<|im_end|>");
  }

  @Test
  void joiningNeverChangesThePromptThatGenerationWillSee() {
    // "br" + "own": the vocabulary has "brown" as one token.
    TokenizedExample example =
        read("{\"prompt\": \"The quick br\", \"completion\": \"own fox\"}\n", 512).get(0);
    int[] prompt = tokenizer.encode("The quick br");

    assertThat(Arrays.copyOf(example.inputIds(), prompt.length)).isEqualTo(prompt);
    assertThat(trained(example)).isEqualTo("own fox<|im_end|>");
  }

  @Test
  void aBeginningOfSequenceTokenStartsTextsWhereTheVocabularyHasOne() throws IOException {
    Path file = folder.resolve("t.jsonl");
    Files.writeString(file, "{\"prompt\": \"The fox\", \"completion\": \" jumps\"}");
    try (Tokenizer llama = TokenizerTest.sentencePiece()) {
      TokenizedExample example =
          TrainingExamples.read(file, "t", llama, ChatTemplate.missing("m"), 64).get(0);

      assertThat(example.inputIds()[0]).isEqualTo(1);
      assertThat(example.labels()[0]).isEqualTo(TokenizedExample.IGNORED);
      assertThat(example.inputIds()[example.length() - 1]).isEqualTo(2);
    }
  }

  @Test
  void longExamplesAreCutAtTheirEnd() {
    String line =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"How do I bake bread?\"},"
            + " {\"role\": \"assistant\", \"content\": \"Mix flour, water, salt\"}]}\n";
    TokenizedExample whole = read(line, 512).get(0);
    TokenizedExample cut = read(line, whole.length() - 2).get(0);

    assertThat(cut.length()).isEqualTo(whole.length() - 2);
    assertThat(cut.inputIds()).isEqualTo(Arrays.copyOf(whole.inputIds(), cut.length()));
    assertThat(cut.labels()).isEqualTo(Arrays.copyOf(whole.labels(), cut.length()));
  }

  @Test
  void blankLinesAByteOrderMarkAndCarriageReturnsArePassedOver() {
    String line = "{\"prompt\": \"a\", \"completion\": \" b\"}";

    List<TokenizedExample> examples = read("\uFEFF" + line + "\r\n\n  \r\n" + line, 512);

    assertThat(examples).extracting(TokenizedExample::line).containsExactly(1, 4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{\"messages\": [secret ~ data:2: expected a JSON object, found broken JSON at column",
        "[{\"prompt\": \"secret\", ~ data:2: expected JSON Lines, a JSON object in each line; found"
            + " the start of a list",
        "{\"a\": 1} {\"b\": 2} ~ data:2: expected a JSON object, found broken JSON at column",
        "[\"secret\"] ~ data:2: expected a JSON object, found a list",
        "\"secret\" ~ data:2: expected a JSON object, found a text",
        "{\"prompt\": \"secret\"} ~ " + EXPECTED_FIELDS + " found of these only prompt",
        "{\"instruction\": \"secret\", \"response\": \"x\"} ~ "
            + EXPECTED_FIELDS
            + " found of these only instruction",
        "{\"prompt\": \"p\", \"chosen\": \"secret\", \"rejected\": \"r\"} ~ "
            + EXPECTED_FIELDS
            + " found of these only prompt, but chosen: pairs of preferred and rejected replies are"
            + " not read",
        "{\"secret\": \"s\"} ~ " + EXPECTED_FIELDS + " found none of these",
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"secret\"}]} ~ "
            + EXPECTED_FIELDS
            + " found none of these, but conversations: rename it to messages",
        "{\"prompt\": \"p\", \"completion\": \"secret\", \"messages\": []} ~ data:2: expected the"
            + " fields of one format, found those of Chat and PromptCompletion; say which one is"
            + " meant (dataset.format)",
        "{\"messages\": \"secret\"} ~ data:2: field messages: expected a list of messages, found a"
            + " text",
        "{\"messages\": []} ~ data:2: field messages: expected at least one message, found none",
        "{\"messages\": [\"secret\"]} ~ data:2: field messages[0]: expected an object with role"
            + " and content, found a text",
        "{\"messages\": [{\"content\": \"secret\"}]} ~ data:2: field messages[0].role: expected a"
            + " text, found nothing",
        "{\"messages\": [{\"role\": \"secret\", \"content\": \"x\"}]} ~ data:2: field"
            + " messages[0].role: expected system, user, assistant or tool, found another role",
        "{\"messages\": [{\"role\": \"user\", \"content\": [\"secret\"]}]} ~ data:2: field"
            + " messages[0].content: expected a text, found a list",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"secret\"}]} ~ data:2: field messages:"
            + " expected an assistant's turn, found none",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\","
            + " \"content\": \"secret\"}, {\"role\": \"user\", \"content\": \"x\"}]} ~ data:2:"
            + " field messages: expected the last message to be the assistant's, found role user",
        "{\"prompt\": 1, \"completion\": \"secret\"} ~ data:2: field prompt: expected a text,"
            + " found a number",
        "{\"prompt\": \"secret\", \"completion\": null} ~ data:2: field completion: expected a"
            + " text, found null",
        "{\"prompt\": \"\", \"completion\": \"secret\"} ~ data:2: expected a prompt of at least one"
            + " token, found none",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"secret\"}], \"completion\": \"x\"} ~"
            + " data:2: field completion: expected a list of messages, found a text",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"secret\"}], \"completion\": []} ~"
            + " data:2: field completion: expected at least one message, found none",
      })
  void aBrokenLineIsNamedAndNeverQuoted(String line, String message) {
    assertThatThrownBy(() -> read("\n" + line + "\n", 512))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(message)
        .hasMessageNotContaining("secret")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  /** Records are tokenized by several threads, while others are read. */
  @Test
  void theFirstBrokenRecordIsNamed() {
    String good = "{\"prompt\": \"say\", \"completion\": \" it\"}\n";
    String empty = "{\"prompt\": \"\", \"completion\": \"it\"}\n";

    assertThatThrownBy(() -> read(good.repeat(500) + empty + good + empty + "{broken\n" + good, 64))
        .hasMessage("data:501: expected a prompt of at least one token, found none");
    assertThatThrownBy(() -> read(good.repeat(500) + "{broken\n" + empty, 64))
        .hasMessageStartingWith("data:501: expected a JSON object");
  }

  @Test
  void aResponseThatCannotBeKeptIsAnError() {
    String longReply = "{\"prompt\": \"a\", \"completion\": \"" + "1234567890".repeat(4) + "\"}";
    String longPrompt = "{\"prompt\": \"" + "1234567890".repeat(4) + "\", \"completion\": \"a\"}";

    assertThatThrownBy(() -> read(longReply, 40))
        .hasMessage(
            "data:1: the response is longer than the limit: expected at most 40 tokens"
                + " (training.maxLength), or dataset.truncation: Drop, found 41");
    assertThatThrownBy(() -> read(longPrompt, 40))
        .hasMessage(
            "data:1: the response would be cut away wholly: expected a prompt of fewer than 40"
                + " tokens (training.maxLength), or dataset.truncation: Drop, found 40");
    assertThat(read(longPrompt, 41).get(0).labels()[40]).isNotEqualTo(TokenizedExample.IGNORED);
  }

  @Test
  void anEmptyFileIsAnError() {
    assertThatThrownBy(() -> read("", 512))
        .hasMessage("data: expected at least one example, found none");
    assertThatThrownBy(() -> read("\n \n", 512))
        .hasMessage("data: expected at least one example, found none");
  }

  @Test
  void aMissingFileIsUnavailable() {
    assertThatThrownBy(
            () -> TrainingExamples.read(folder.resolve("no"), "data", tokenizer, template, 64))
        .hasMessage("data: expected a file of examples, but there is no such file")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.SOURCE_UNAVAILABLE);
  }

  @Test
  void bytesThatAreNotTextAreAnError() {
    assertThatThrownBy(() -> read(new byte[] {'{', '"', (byte) 0xff, '"', '}'}, 512))
        .hasMessage("data:1: expected UTF-8, found other bytes");
  }

  @Test
  void aLineWithoutEndIsNotReadIntoMemory() {
    byte[] line = new byte[JsonLines.MAX_LINE_BYTES + 1];
    Arrays.fill(line, (byte) ' ');

    assertThatThrownBy(() -> read(line, 512))
        .hasMessage("data:1: expected at most 16777216 bytes in a line, found more");
  }

  @Test
  void aTemplatesRefusalNamesTheLine() throws IOException {
    Path file = folder.resolve("t.jsonl");
    Files.writeString(
        file,
        "\n{\"messages\": [{\"role\": \"assistant\", \"content\": \"secret\"}, {\"role\":"
            + " \"assistant\", \"content\": \"secret\"}]}");
    ChatTemplate strict = template("mistral_form");

    assertThatThrownBy(() -> TrainingExamples.read(file, "data", tokenizer, strict, 64))
        .hasMessage(
            "data:2: mistral_form: the chat template refuses this chat: Roles have to alternate"
                + " between user and assistant, after an optional system message.");
  }

  @Test
  void aTemplateThatWritesThePromptAnotherWayIsRefused() throws IOException {
    Path file = folder.resolve("t.jsonl");
    Files.writeString(
        file,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\":"
            + " \"assistant\", \"content\": \"b\"}]}");
    ChatTemplate counting =
        ChatTemplate.of("{{ messages|length }}{{ messages[-1].content }}", "m", Map.of());

    assertThatThrownBy(() -> TrainingExamples.read(file, "data", tokenizer, counting, 64))
        .hasMessageStartingWith("data:1: the chat template writes this chat's prompt in another");
  }

  @ParameterizedTest
  @CsvSource({"llama3", "llama3_2", "qwen2_5", "qwen3", "smollm2", "mistral_form"})
  void everyTemplateKeepsThePromptAsAPrefix(String name) throws IOException {
    Path file = folder.resolve("t.jsonl");
    Files.writeString(
        file,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"How?\"}, {\"role\": \"assistant\","
            + " \"content\": \"Mix flour.\"}]}");

    TokenizedExample example =
        TrainingExamples.read(file, "data", tokenizer, template(name), 512).get(0);

    assertThat(trained(example)).contains("Mix flour.").doesNotContain("How?");
  }
}
