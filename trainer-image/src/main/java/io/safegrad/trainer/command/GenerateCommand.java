package io.safegrad.trainer.command;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.model.CausalLm;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code safegrad-trainer generate}. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Answers one prompt, or each prompt of a file.",
      "The prompt is given as a chat of one turn, by the model's own template, unless --raw is"
          + " given or the model has no template."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer generate --model ./merged \"How do I bake bread?\"",
      "  safegrad-trainer generate --model hf://org/name --adapter ./adapter --input prompts.jsonl"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:every prompt is answered",
      "64:the command line is wrong, or the model is not supported",
      "65:the model, the adapter or a prompt is unusable",
      "69:the model or the file cannot be reached",
      "70:a fault of the program or of its machine",
      "71:out of memory"
    })
final class GenerateCommand implements Callable<Integer> {

  private static final ObjectMapper JSON = new ObjectMapper();

  @ParentCommand private TrainerCommand trainer;

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description =
          "A file of prompts, as spec.safety.evaluation.harmful may be; the replies are JSON Lines"
              + " of {line, reply}.")
  private String input;

  @Option(names = "--raw", description = "The prompt is a text to go on with, not a chat.")
  private boolean raw;

  @Mixin private SamplingOptions sampling;

  @Parameters(
      arity = "0..1",
      paramLabel = "PROMPT",
      description = "The prompt; the standard input when it is absent, and --input, too.")
  private String prompt;

  @Override
  public Integer call() throws IOException {
    if (input != null && (prompt != null || raw)) {
      throw new ParameterException(
          spec.commandLine(), "--input: expected neither a prompt nor --raw beside it");
    }
    PrintStream out = trainer.context().out();
    int maxNewTokens = sampling.maxNewTokens();
    try (Locations locations = new Locations(trainer.context());
        OpenedModel opened = model.open(locations)) {
      List<EvaluationPrompt> prompts = input == null ? List.of() : prompts(locations, opened);
      String text = input == null ? promptText() : null;
      try (CausalLm loaded = opened.load()) {
        Replier replier =
            new Replier(opened.pretrained(), loaded, sampling.sampling(), maxNewTokens);
        if (input == null) {
          answer(replier, text, out);
        } else {
          answer(replier, prompts, out);
        }
      }
    }
    return ExitReason.SUCCESS.code();
  }

  private List<EvaluationPrompt> prompts(Locations locations, OpenedModel opened) {
    return EvaluationPrompts.read(
        locations.find("input", input, null, null),
        input,
        opened.pretrained().tokenizer(),
        opened.pretrained().chatTemplate());
  }

  private String promptText() throws IOException {
    if (prompt != null) {
      return prompt;
    }
    if (trainer.context().terminal()) {
      trainer.context().err().println("The prompt, and then Ctrl-D:");
    }
    String text = new String(trainer.context().in().readAllBytes(), StandardCharsets.UTF_8);
    return raw ? text : text.strip();
  }

  private static void answer(Replier replier, List<EvaluationPrompt> prompts, PrintStream out)
      throws IOException {
    List<String> replies = replier.replies(prompts);
    for (int i = 0; i < prompts.size(); i++) {
      ObjectNode line = JSON.createObjectNode().put("line", prompts.get(i).line());
      out.println(JSON.writeValueAsString(line.put("reply", replies.get(i))));
    }
  }

  private void answer(Replier replier, String text, PrintStream out) {
    boolean asChat = !raw && !replier.pretrained().chatTemplate().isMissing();
    int[] tokens =
        asChat ? replier.prompt(List.of(new Message("user", text))) : replier.prompt(text);
    replier.reply(
        tokens,
        piece -> {
          out.print(piece);
          out.flush();
        });
    out.println();
  }
}
