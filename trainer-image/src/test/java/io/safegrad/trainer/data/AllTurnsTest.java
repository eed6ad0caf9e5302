package io.safegrad.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Dataset.TrainOn;
import io.safegrad.trainer.GoldenFiles;
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

/** The loss on every turn of the assistant. */
class AllTurnsTest {

  private static final String CHAT =
      "{\"messages\": [{\"role\": \"system\", \"content\": \"S\"},"
          + " {\"role\": \"user\", \"content\": \"Why?\"},"
          + " {\"role\": \"assistant\", \"content\": \"Because.\"},"
          + " {\"role\": \"user\", \"content\": \"How?\"},"
          + " {\"role\": \"assistant\", \"content\": \"Mix flour.\"}]}\n";

  private static Tokenizer tokenizer;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    tokenizer = TokenizerTest.toy();
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private TrainingExamples read(String text, ChatTemplate template, int maxLength)
      throws IOException {
    Path file = Files.writeString(folder.resolve("train.jsonl"), text);
    return TrainingExamples.read(
        file,
        "data",
        tokenizer,
        template,
        new TrainingExamples.Rules(null, TrainOn.AllTurns, maxLength));
  }

  private static ChatTemplate template(String name) throws IOException {
    return ChatTemplate.of(
        Files.readString(GoldenFiles.path("templates/" + name + ".jinja")),
        name,
        Map.of("bos_token", "<|im_start|>", "eos_token", "<|im_end|>"));
  }

  private static String trained(TokenizedExample example) {
    return tokenizer.decode(
        Arrays.stream(example.labels()).filter(id -> id != TokenizedExample.IGNORED).toArray());
  }

  @Test
  void masksAreThoseOfTransformers() throws IOException {
    JsonNode golden = GoldenFiles.json("assistant_masks.json");
    ChatTemplate template =
        ChatTemplate.of(golden.path("chat_template").asText(), "model", Map.of());

    for (JsonNode chat : golden.path("chats")) {
      TokenizedExample example = read(chat.toString(), template, 4096).examples().get(0);
      int[] ids = numbers(chat.path("input_ids"));
      int[] mask = numbers(chat.path("assistant_masks"));
      int[] labels = new int[example.length()];
      Arrays.setAll(labels, i -> mask[i] == 1 ? ids[i] : TokenizedExample.IGNORED);

      // What the template writes after the last end token is left away.
      assertThat(example.inputIds()).isEqualTo(Arrays.copyOf(ids, example.length()));
      assertThat(Arrays.stream(mask, example.length(), mask.length).sum()).isZero();
      assertThat(example.labels()).isEqualTo(labels);
    }
  }

  private static int[] numbers(JsonNode list) {
    int[] numbers = new int[list.size()];
    Arrays.setAll(numbers, i -> list.get(i).asInt());
    return numbers;
  }

  /** Qwen3's template writes the last reply in another way than an earlier one. */
  @ParameterizedTest
  @CsvSource({"llama3", "llama3_2", "qwen2_5", "qwen3", "smollm2"})
  void everyTemplateTellsWhereEachReplyEnds(String name) throws IOException {
    String trained = trained(read(CHAT, template(name), 4096).examples().get(0));

    assertThat(trained).contains("Because.", "Mix flour.").doesNotContain("Why?", "How?", "user");
  }

  @Test
  void whatIsBeyondTheLimitIsNotTrainedOnAndCounted() throws IOException {
    ChatTemplate template = template("smollm2");
    TokenizedExample whole = read(CHAT, template, 4096).examples().get(0);
    int withoutLast = whole.length() - tokenizer.encode("Mix flour.<|im_end|>").length;
    TrainingExamples cut = read(CHAT.repeat(2), template, withoutLast);

    assertThat(cut.truncated()).isEqualTo(2);
    assertThat(trained(cut.examples().get(0))).isEqualTo("Because.");
    assertThat(read(CHAT, template, whole.length()).truncated()).isZero();
  }

  @Test
  void aTemplateThatRewritesAnEarlierReplyWithoutAnEndTokenIsRefused() throws IOException {
    ChatTemplate rewriting =
        ChatTemplate.of(
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
                + "{% if loop.last %}!{% else %}.{% endif %}{% endfor %}"
                + "{% if add_generation_prompt %}[assistant]{% endif %}",
            "m", Map.of());
    String chat =
        "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"},"
            + " {\"role\": \"assistant\", \"content\": \"b\"}]}";

    assertThatThrownBy(() -> read(chat, rewriting, 512))
        .hasMessage(
            "data:1: the chat template writes an earlier reply in another way once a turn follows,"
                + " so its end cannot be told; expected dataset.trainOn: LastTurn for this model");
  }

  /** Mistral's template moves the system's words to the newest turn of the user. */
  @Test
  void aTemplateThatRewritesAnEarlierPromptIsRefused() throws IOException {
    ChatTemplate moving = template("mistral_form");

    assertThatThrownBy(() -> read(CHAT, moving, 512))
        .hasMessageStartingWith("data:1: the chat template writes this chat's prompt in another");
    assertThat(
            trained(
                read(CHAT.replace("{\"role\": \"system\", \"content\": \"S\"}, ", ""), moving, 512)
                    .examples()
                    .get(0)))
        .contains("Because.", "Mix flour.");
  }
}
