package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PretrainedModelTest {

  private static final List<Message> CHAT = List.of(new Message("user", "Hi"));

  @TempDir Path folder;

  @Test
  void opensADirectory() {
    try (PretrainedModel model = PretrainedModel.open(GoldenFiles.path("toy-llama"))) {
      assertThat(model.config().path("model_type").asText()).isEqualTo("llama");
      assertThat(model.weights().names()).contains("model.embed_tokens.weight");
      assertThat(model.tokenizer().decode(model.tokenizer().encode("Hi"))).isEqualTo("Hi");
      assertThat(model.chatTemplate().render(CHAT, true)).contains("<|im_start|>user\nHi");
      assertThat(model.endOfSequenceIds()).containsExactly(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "{\"eos_token_id\": [0, 2]} ~ {\"eos_token_id\": 5} ~ {\"eos_token\": \"<|im_end|>\"}"
            + " ~ 0,2",
        "{} ~ {\"eos_token_id\": 5} ~ {\"eos_token\": {\"content\": \"<|im_end|>\"}} ~ 2,5",
        "{} ~ {\"eos_token_id\": [5, 6]} ~ {} ~ 5,6",
        "{\"eos_token_id\": null} ~ {\"eos_token_id\": null} ~ {\"eos_token\": null} ~ ''",
      })
  void endTokensComeFromEveryPlaceThatNamesThem(
      String generationConfig, String config, String tokenizerConfig, String expected)
      throws IOException {
    copyToy();
    Files.writeString(folder.resolve("generation_config.json"), generationConfig);
    Files.writeString(folder.resolve("config.json"), config);
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig);
    try (PretrainedModel model = PretrainedModel.open(folder)) {
      List<Integer> ids =
          Stream.of(expected.split(",")).filter(id -> !id.isEmpty()).map(Integer::valueOf).toList();
      assertThat(model.endOfSequenceIds()).containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"{{ 'T' + eos_token }}\"",
        "[{\"name\": \"tool_use\", \"template\": \"no\"},"
            + " {\"name\": \"default\", \"template\": \"{{ 'T' + eos_token }}\"}]"
      })
  void theTemplateMayLieInTheTokenizersConfiguration(String template) throws IOException {
    copyToy();
    Files.delete(folder.resolve("chat_template.jinja"));
    ObjectNode config = (ObjectNode) GoldenFiles.json("toy-llama/tokenizer_config.json");
    config.set("chat_template", new ObjectMapper().readTree(template));
    Files.writeString(folder.resolve("tokenizer_config.json"), config.toString());
    try (PretrainedModel model = PretrainedModel.open(folder)) {
      assertThat(model.chatTemplate().render(CHAT, true)).isEqualTo("T<|im_end|>");
    }
  }

  @Test
  void aModelNeedsNoTemplateUntilAChatIsRendered() throws IOException {
    copyToy();
    Files.delete(folder.resolve("chat_template.jinja"));
    try (PretrainedModel model = PretrainedModel.open(folder)) {
      assertThatThrownBy(() -> model.chatTemplate().render(CHAT, true))
          .hasMessageStartingWith(folder + ": the model has no chat template");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "config.json ~ '' ~ expected a JSON object",
        "config.json ~ [] ~ expected a JSON object",
        "config.json ~ {\"a\": ~ expected JSON; it is broken at line 1, column",
        "tokenizer.json ~ {} ~ the tokenizer could not be built",
        "generation_config.json ~ {\"eos_token_id\": \"2\"} ~ field eos_token_id: expected a token"
            + " id or a list of token ids",
        "tokenizer_config.json ~ {\"chat_template\": [{\"name\": \"x\"}]} ~ field chat_template:"
            + " expected a text, or a list",
        "model.safetensors ~ {} ~ not a safetensors file",
      })
  void aBrokenFileIsNamed(String name, String content, String message) throws IOException {
    copyToy();
    Files.deleteIfExists(folder.resolve("chat_template.jinja"));
    Files.writeString(folder.resolve(name), content);

    assertThatThrownBy(() -> PretrainedModel.open(folder))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith(folder.resolve(name) + ": " + message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer_config.json", "chat_template.jinja"})
  void aTextInAnotherEncodingIsRefused(String name) throws IOException {
    copyToy();
    Files.write(folder.resolve(name), new byte[] {'{', 0, 0, 0, '}', (byte) 0xff});

    assertThatThrownBy(() -> PretrainedModel.open(folder))
        .isInstanceOf(TrainerException.class)
        .hasMessage(folder.resolve(name) + ": expected UTF-8, found other bytes")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer.json", "model.safetensors"})
  void aMissingFileIsNamed(String name) throws IOException {
    copyToy();
    Files.delete(folder.resolve(name));

    assertThatThrownBy(() -> PretrainedModel.open(folder))
        .isInstanceOf(TrainerException.class)
        .hasMessageContaining(name)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @Test
  void aPathWithNothingAtItIsUnavailable() {
    assertThatThrownBy(() -> PretrainedModel.open(folder.resolve("no")))
        .hasMessageContaining("there is nothing at this path")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.SOURCE_UNAVAILABLE);
  }

  @Test
  void aFileOfAnotherKindIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("model.bin"), "x");

    assertThatThrownBy(() -> PretrainedModel.open(file))
        .hasMessage(file + ": expected a model directory or a file whose name ends in .gguf");
  }

  private void copyToy() throws IOException {
    try (Stream<Path> files = Files.list(GoldenFiles.path("toy-llama"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName().toString()));
      }
    }
  }
}
