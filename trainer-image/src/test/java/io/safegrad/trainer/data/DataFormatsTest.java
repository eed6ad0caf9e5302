package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Dataset.Format;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.api.v1alpha1.Dataset.Truncation;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each format's records become, how a format is detected, and what a declared one refuses. */
class DataFormatsTest {

  private static Tokenizer tokenizer;
  private static ChatTemplate template;

  @TempDir private Path folder;

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

  private TrainingExamples read(String text, ChatTemplate chatTemplate, Format format, int max)
      throws IOException {
    Path file = Files.writeString(folder.resolve("train.jsonl"), text);
    return TrainingExamples.read(
        file,
        "data",
        tokenizer,
        chatTemplate,
        new TrainingExamples.Rules(format, TrainOn.LastTurn, max));
  }

  private TokenizedExample one(String text, ChatTemplate chatTemplate) throws IOException {
    return read(text, chatTemplate, null, 4096).examples().get(0);
  }

  private static int[] trained(TokenizedExample example) {
    return Arrays.stream(example.labels()).filter(id -> id != TokenizedExample.IGNORED).toArray();
  }

  @Test
  void anInstructionIsAChatWhereTheModelHasATemplate() throws IOException {
    String chat =
        "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}, {\"role\": \"assistant\","
            + " \"content\": \"flour\"}]}";
    String withInput =
        "{\"instruction\": \"Name it.\", \"input\": \"white powder\", \"output\": \"flour\"}";
    String withoutInput = "{\"instruction\": \"Name it.\", \"input\": \"\", \"output\": \"flour\"}";
    String noInput = "{\"instruction\": \"Name it.\", \"output\": \"flour\"}";

    assertThat(one(withInput, template))
        .usingRecursiveComparison()
        .isEqualTo(one(chat.formatted("Name it.\\n\\nwhite powder"), template));
    assertThat(one(withoutInput, template))
        .usingRecursiveComparison()
        .isEqualTo(one(chat.formatted("Name it."), template));
    assertThat(one(noInput, template))
        .usingRecursiveComparison()
        .isEqualTo(one(chat.formatted("Name it."), template));
  }

  @Test
  void anInstructionIsStanfordAlpacasTextWhereItHasNone() throws IOException {
    ChatTemplate none = ChatTemplate.missing("model");
    TokenizedExample withInput =
        one("{\"instruction\": \"I\", \"input\": \"J\", \"output\": \"O\"}", none);
    TokenizedExample withoutInput = one("{\"instruction\": \"I\", \"output\": \"O\"}", none);

    assertThat(tokenizer.decode(withInput.inputIds()))
        .isEqualTo(
            """
            Below is an instruction that describes a task, paired with an input that provides \
            further context. Write a response that appropriately completes the request.

            ### Instruction:
            I

            ### Input:
            J

            ### Response:O\
            """);
    assertThat(tokenizer.decode(withoutInput.inputIds()))
        .isEqualTo(
            """
            Below is an instruction that describes a task. Write a response that appropriately \
            completes the request.

            ### Instruction:
            I

            ### Response:O\
            """);
    int end = tokenizer.endOfSequenceId().getAsInt();
    assertThat(tokenizer.decode(trained(withInput))).isEqualTo("O");
    assertThat(trained(withInput)).endsWith(end);
  }

  @Test
  void aTextIsTrainedOnAsAWholeAndClosed() throws IOException {
    TokenizedExample example = one("{\"text\": \"The quick brown fox\"}", template);
    int end = tokenizer.endOfSequenceId().getAsInt();

    assertThat(tokenizer.decode(example.inputIds())).isEqualTo("The quick brown fox");
    assertThat(example.inputIds()).endsWith(end);
    assertThat(trained(example))
        .isEqualTo(Arrays.copyOfRange(example.inputIds(), 1, example.length()));
    assertThat(one("{\"text\": \"The quick brown fox<|im_end|>\"}", template).inputIds())
        .isEqualTo(example.inputIds());
  }

  @Test
  void aLongTextIsCutAndCounted() throws IOException {
    TrainingExamples read =
        read(
            "{\"text\": \"12345678\"}\n{\"text\": \"12\"}\n{\"text\": \"123456789\"}\n",
            template,
            null,
            5);

    assertThat(read.examples()).extracting(TokenizedExample::length).containsExactly(5, 3, 5);
    assertThat(read.truncated()).isEqualTo(2);
  }

  private TrainingExamples read(String text, int max, Truncation truncation) throws IOException {
    Path file = Files.writeString(folder.resolve("train.jsonl"), text);
    return TrainingExamples.read(
        file,
        "data",
        tokenizer,
        template,
        new TrainingExamples.Rules(null, TrainOn.LastTurn, max, truncation));
  }

  @Test
  void aLongExampleIsDroppedAndCountedWhereTheRuleSaysSo() throws IOException {
    String texts = "{\"text\": \"12345678\"}\n{\"text\": \"12\"}\n{\"text\": \"1234\"}\n";
    TrainingExamples read = read(texts, 5, Truncation.Drop);

    assertThat(read.examples()).extracting(TokenizedExample::line).containsExactly(2, 3);
    assertThat(read.examples()).extracting(TokenizedExample::length).containsExactly(3, 5);
    assertThat(read.truncated()).isZero();
    assertThat(read.dropped()).isEqualTo(1);
    // What KeepStart refuses: a completion that is too long by itself, and a prompt that leaves no
    // room for one.
    String pairs =
        "{\"prompt\": \"a\", \"completion\": \"123456789\"}\n"
            + "{\"prompt\": \"123456789\", \"completion\": \"a\"}\n"
            + "{\"prompt\": \"a\", \"completion\": \"b\"}\n";
    assertThat(read(pairs, 5, Truncation.Drop).dropped()).isEqualTo(2);
    assertThatThrownBy(() -> read(texts, 2, Truncation.Drop))
        .hasMessage(
            "data: expected at least one example of at most 2 tokens (training.maxLength), found"
                + " none; 3 were left out (dataset.truncation: Drop)");
  }

  @Test
  void aLongExampleEndsTheRunWhereTheRuleSaysSo() throws IOException {
    String texts = "{\"text\": \"1234\"}\n{\"text\": \"12345678\"}\n{\"text\": \"123456\"}\n";

    assertThat(read(texts, 9, Truncation.Refuse).examples()).hasSize(3);
    assertThatThrownBy(() -> read(texts, 5, Truncation.Refuse))
        .isInstanceOf(TrainerException.class)
        .hasMessage(
            "data:2: expected at most 5 tokens (training.maxLength; dataset.truncation: Refuse),"
                + " found 9");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\","
            + " \"content\": \"b\"}], \"prompt\": \"a\"} ~ Chat",
        "{\"instruction\": \"a\", \"input\": \"\", \"output\": \"b\", \"text\": \"c\"} ~"
            + " Instruction",
        "{\"prompt\": \"a\", \"completion\": \"b\", \"text\": \"c\"} ~ PromptCompletion",
        "{\"text\": \"ab\", \"prompt\": \"c\"} ~ Text",
      })
  void theFirstRecordTellsTheFormat(String record, Format format) throws IOException {
    assertThat(read(record, template, null, 512).format()).isEqualTo(format);
  }

  @Test
  void aDeclaredFormatDecidesBetweenTwo() throws IOException {
    String both =
        "{\"prompt\": \"a\", \"completion\": \" b\", \"instruction\": \"c\", \"output\": \"d\"}";

    assertThatThrownBy(() -> read(both, template, null, 512))
        .hasMessage(
            "data:1: expected the fields of one format, found those of Instruction and"
                + " PromptCompletion; say which one is meant (dataset.format)");
    assertThat(
            tokenizer.decode(
                read(both, template, Format.PromptCompletion, 512).examples().get(0).inputIds()))
        .isEqualTo("a b");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      nullValues = "-",
      value = {
        "- ~ {\"text\": \"ab\"} ~ {\"prompt\": \"secret\"} ~ data:2: expected the field text of the"
            + " format Text, as the first example has it; found no such field",
        "Chat ~ {\"text\": \"secret\"} ~ {} ~ data:1: expected the field messages of the declared"
            + " format Chat; found no such field",
        "- ~ {\"instruction\": \"a\", \"output\": \"b\"} ~ {\"instruction\": \"secret\"} ~ data:2:"
            + " expected the field output of the format Instruction, as the first example has it;"
            + " found no such field",
        "- ~ {\"instruction\": \"a\", \"output\": \"b\"} ~ {\"instruction\": \"secret\","
            + " \"output\": 7} ~ data:2: field output: expected a text, found a number",
        "- ~ {\"instruction\": \"a\", \"output\": \"b\"} ~ {\"instruction\": \"secret\","
            + " \"input\": [], \"output\": \"b\"} ~ data:2: field input: expected a text, found a"
            + " list",
        "- ~ {\"text\": \"ab\"} ~ {\"text\": {}} ~ data:2: field text: expected a text, found an"
            + " object",
        "- ~ {\"text\": \"ab\"} ~ {\"text\": \"\"} ~ data:2: field text: expected at least two"
            + " tokens, found fewer",
      })
  void aRecordOfAnotherFormIsNamedAndNeverQuoted(
      Format declared, String first, String second, String message) {
    assertThatThrownBy(() -> read(first + "\n" + second + "\n", template, declared, 512))
        .isInstanceOf(TrainerException.class)
        .hasMessage(message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }
}
