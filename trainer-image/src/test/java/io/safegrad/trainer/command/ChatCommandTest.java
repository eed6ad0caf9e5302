package io.safegrad.trainer.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PretrainedModel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChatCommandTest {

  private static final Path MODEL = GoldenFiles.path("toy-llama");

  @Test
  void eachTurnIsAnsweredWithTheWholeChatInTheModelsTemplate() {
    CommandRun run =
        CommandRun.withInput(
            "one\n\ntwo\n/clear\none\n/exit\nnot read\n",
            "chat",
            "--model",
            MODEL.toString(),
            "--system",
            "S",
            "--max-new-tokens",
            "8");

    Message system = new Message("system", "S");
    Message one = new Message("user", "one");
    String first = reply(List.of(system, one));
    String second =
        reply(List.of(system, one, new Message("assistant", first), new Message("user", "two")));
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out()).isEqualTo(first + "\n" + second + "\n" + first + "\n");
  }

  @Test
  void aTerminalIsAskedAndATurnThatIsTooLongDoesNotEndTheChat() {
    CommandRun run =
        CommandRun.atTerminal(
            "word ".repeat(200) + "\none\n",
            "chat",
            "--model",
            MODEL.toString(),
            "--max-new-tokens",
            "8");

    assertThat(run.code()).isZero();
    assertThat(run.err())
        .startsWith("the prompt has ")
        .endsWith(" what the model takes less one for the reply; /clear starts anew\n");
    assertThat(run.out())
        .isEqualTo(
            "you> model> you> model> %s\nyou> \n"
                .formatted(reply(List.of(new Message("user", "one")))));
  }

  @Test
  void aModelWithoutATemplateCannotChat() {
    CommandRun run =
        CommandRun.withInput("hi\n", "chat", "--model", GoldenFiles.path("toy-llama-f16") + "");

    assertThat(run.code()).isEqualTo(65);
    assertThat(run.err()).contains("tokenizer.json: expected a JSON file");
  }

  private static String reply(List<Message> messages) {
    try (PretrainedModel model = PretrainedModel.open(MODEL);
        CausalLm loaded = CausalLm.load(ModelConfig.of(model.config()), model.weights())) {
      int[] prompt = model.tokenizer().encode(model.chatTemplate().render(messages, true));
      int[] tokens = loaded.generate(List.of(prompt), 8, model.endOfSequenceIds()).get(0);
      return model.tokenizer().decode(tokens);
    }
  }
}
