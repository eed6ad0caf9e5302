package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.data.Message;
import io.safegrad.trainer.model.CausalLm;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code safegrad-trainer chat}. */
@Command(
    name = "chat",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "A chat with a model, by its own template. Each line is one turn; replies appear as they come.",
      "/clear forgets the chat, /exit or Ctrl-D ends it. Without a terminal the turns are read from"
          + " the standard input, and only the replies are written."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer chat --model hf://org/name --adapter ./adapter --temperature 0.7 --top-p 0.9"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:the chat has ended",
      "64:the command line is wrong, or the model is not supported",
      "65:the model or the adapter is unusable, or the model has no chat template",
      "69:the model cannot be reached",
      "70:a fault of the program or of its machine",
      "71:out of memory"
    })
final class ChatCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Mixin private ModelOptions model;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "A system prompt; the template's own when absent.")
  private String system;

  @Mixin private SamplingOptions sampling;

  @Override
  public Integer call() throws IOException {
    int maxNewTokens = sampling.maxNewTokens();
    try (Locations locations = new Locations(trainer.context());
        OpenedModel opened = model.open(locations)) {
      // Refuses a model without a template before its weights are read.
      opened.pretrained().chatTemplate().render(List.of(new Message("user", "")), true);
      try (CausalLm loaded = opened.load()) {
        chat(new Replier(opened.pretrained(), loaded, sampling.sampling(), maxNewTokens));
      }
    }
    return ExitReason.SUCCESS.code();
  }

  private void chat(Replier replier) throws IOException {
    PrintStream out = trainer.context().out();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(trainer.context().in(), StandardCharsets.UTF_8));
    List<Message> messages = start();
    for (String line = ask(in, out); line != null; line = ask(in, out)) {
      switch (line.strip()) {
        case "" -> {}
        case "/exit" -> {
          return;
        }
        case "/clear" -> messages = start();
        default -> turn(replier, messages, line, out);
      }
    }
    if (trainer.context().terminal()) {
      out.println();
    }
  }

  private List<Message> start() {
    return system == null
        ? new ArrayList<>()
        : new ArrayList<>(List.of(new Message("system", system)));
  }

  private String ask(BufferedReader in, PrintStream out) throws IOException {
    if (trainer.context().terminal()) {
      out.print(Ansi.AUTO.string("@|bold,green you>|@ "));
      out.flush();
    }
    return in.readLine();
  }

  private void turn(Replier replier, List<Message> messages, String line, PrintStream out) {
    messages.add(new Message("user", line));
    int[] prompt = replier.prompt(messages);
    if (trainer.context().terminal()) {
      out.print(Ansi.AUTO.string("@|bold,blue model>|@ "));
    }
    try {
      String reply =
          replier.reply(
              prompt,
              piece -> {
                out.print(piece);
                out.flush();
              });
      out.println();
      messages.add(new Message("assistant", reply));
    } catch (TrainerException e) {
      if (!trainer.context().terminal()) {
        throw e;
      }
      messages.remove(messages.size() - 1);
      trainer.context().err().println(e.getMessage() + "; /clear starts anew");
    }
  }
}
