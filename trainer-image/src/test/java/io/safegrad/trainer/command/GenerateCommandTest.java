package io.safegrad.trainer.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.GoldenFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With the built-in model, whose replies are those of transformers by BuiltinModelTest. */
class GenerateCommandTest {

  private static final String MODEL = "builtin://tiny-aligned";
  private static final Path GOLDEN =
      Path.of("src/test/resources/builtin/tiny-aligned-greedy.jsonl").toAbsolutePath();

  @TempDir Path folder;

  private record Example(String prompt, String reply) {}

  private static Example golden(int line) throws IOException {
    JsonNode json = new ObjectMapper().readTree(Files.readAllLines(GOLDEN).get(line));
    return new Example(json.path("prompt").asText(), json.path("reply").asText());
  }

  @Test
  void answersThePromptAsTransformersDoes() throws IOException {
    Example example = golden(0);

    assertThat(CommandRun.of("generate", "--model", MODEL, example.prompt()))
        .isEqualTo(new CommandRun(0, example.reply() + "\n", ""));
    assertThat(CommandRun.withInput(example.prompt() + "\n", "generate", "--model", MODEL))
        .isEqualTo(new CommandRun(0, example.reply() + "\n", ""));
  }

  @Test
  void answersAFileInJsonLines() throws IOException {
    Path prompts = folder.resolve("prompts.jsonl");
    ObjectMapper json = new ObjectMapper();
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 3; i++) {
      lines.append(
          "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]}\n"
              .formatted(golden(i).prompt()));
    }
    Files.writeString(prompts, lines);

    CommandRun run = CommandRun.of("generate", "--model", MODEL, "--input", prompts.toString());

    assertThat(run.code()).isZero();
    List<String> replies = run.out().lines().toList();
    assertThat(replies).hasSize(3);
    for (int i = 0; i < 3; i++) {
      JsonNode reply = json.readTree(replies.get(i));
      assertThat(reply.path("line").asInt()).isEqualTo(i + 1);
      assertThat(reply.path("reply").asText()).isEqualTo(golden(i).reply());
    }
  }

  @Test
  void theSameSeedDrawsTheSameReply() {
    String[] command = {
      "generate",
      "--model",
      MODEL,
      "--temperature",
      "5",
      "--max-new-tokens",
      "40",
      "--seed",
      "1",
      "hi"
    };
    CommandRun first = CommandRun.of(command);
    CommandRun again = CommandRun.of(command);
    command[8] = "2";
    CommandRun other = CommandRun.of(command);

    assertThat(first.code()).isZero();
    assertThat(again).isEqualTo(first);
    assertThat(other.out()).isNotEqualTo(first.out());
  }

  @Test
  void anAdapterChangesTheReply() {
    String[] command = {
      "generate",
      "--model",
      GoldenFiles.path("toy-llama").toString(),
      "--temperature",
      "1",
      "--raw",
      "How do I bake"
    };
    String[] adapted = Arrays.copyOf(command, command.length + 2);
    adapted[command.length] = "--adapter";
    adapted[command.length + 1] = GoldenFiles.path("peft-adapter").toString();

    assertThat(CommandRun.of(adapted).out()).isNotEqualTo(CommandRun.of(command).out());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "64 ~ --temperature -1 hi ~ --temperature, --top-p: expected a temperature of at least 0",
        "64 ~ --top-p 0 hi ~ --temperature, --top-p: expected a temperature of at least 0",
        "64 ~ --max-new-tokens 0 hi ~ --max-new-tokens: expected at least 1, found 0",
        "64 ~ --input x hi ~ --input: expected neither a prompt nor --raw beside it",
        "64 ~ hi there ~ Unmatched argument",
        "69 ~ --input pvc://c/no ~ input: pvc://c/no does not exist",
        "69 ~ --input no.jsonl ~ no.jsonl: ",
        "69 ~ --adapter no hi ~ --adapter: there is no directory no",
      })
  void badInputGetsOneError(int code, String line, String message) {
    CommandRun run = CommandRun.of(("generate --model " + MODEL + " " + line).split(" "));

    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("safegrad-trainer: " + message);
  }

  @Test
  void aPromptThatIsTooLongIsSaid() {
    CommandRun run = CommandRun.withInput("word ".repeat(600), "generate", "--model", MODEL);

    assertThat(run.code()).isEqualTo(65);
    assertThat(run.err())
        .startsWith("safegrad-trainer: the prompt has ")
        .contains(" tokens; expected 1 to 511");
  }
}
