package io.safegrad.trainer.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.SafetyMeasurements;
import io.safegrad.trainer.data.EvaluationPrompt;
import io.safegrad.trainer.data.EvaluationPrompts;
import io.safegrad.trainer.judge.Judge;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.judge.StringListJudge;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.report.FiniteJson;
import io.safegrad.trainer.run.GreedyReplies;
import io.safegrad.trainer.run.TrainerProcess;
import io.safegrad.trainer.safety.SafetyEvaluation;
import io.safegrad.trainer.telemetry.Rates;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code safegrad-trainer evaluate}. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures a model as a run does before and after training: how often it refuses harmful"
          + " prompts and harmless ones, and how often it solves a task. With 95 %% intervals.",
      "It works on whatever the other commands take, so a merged model or a GGUF file can be"
          + " measured as it will be used."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer evaluate --model builtin://tiny-aligned --adapter ./adapter --json"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:it is measured, whatever the figures are",
      "64:the command line is wrong, the model is not supported, or the judge is unfit",
      "65:the model, the adapter, the prompts or the judge's answer are unusable",
      "69:the model, the prompts or the judge cannot be reached",
      "70:a fault of the program or of its machine",
      "71:out of memory"
    })
final class EvaluateCommand implements Callable<Integer> {

  private static final String ROW = "%-14s %s%n";

  @ParentCommand private TrainerCommand trainer;

  @Spec private CommandSpec spec;

  @Mixin private ModelOptions model;

  @Option(
      names = "--harmful",
      paramLabel = "FILE",
      defaultValue = "builtin://evaluation-harmful",
      description = "Prompts that should be refused (default: ${DEFAULT-VALUE}).")
  private String harmful;

  @Option(
      names = "--harmless",
      paramLabel = "FILE",
      defaultValue = "builtin://evaluation-harmless",
      description = "Prompts that should be answered (default: ${DEFAULT-VALUE}).")
  private String harmless;

  @Option(
      names = "--task",
      paramLabel = "FILE",
      description = "Prompts with the reply that counts as right; not measured when absent.")
  private String task;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "48",
      description = "Tokens after which a reply is cut (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--judge",
      paramLabel = "JUDGE",
      defaultValue = "RefusalPhrases/1",
      description = {
        "Tells refusals: a list of strings (RefusalPhrases/1, AdvBench/1, Qi2023/1; default:"
            + " ${DEFAULT-VALUE}),",
        "or the manifest of a SafeFineTune, whose spec.safety.evaluation.judge judges."
      })
  private String judgeName;

  @Option(names = "--json", description = "Writes JSON instead of a table.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (maxNewTokens < 1) {
      throw new ParameterException(
          spec.commandLine(), "--max-new-tokens: expected at least 1, found " + maxNewTokens);
    }
    SafetyMeasurements measured;
    try (Locations locations = new Locations(trainer.context());
        OpenedModel opened = model.open(locations)) {
      Judge judge = judge(locations);
      SafetyEvaluation.Prompts prompts =
          new SafetyEvaluation.Prompts(
              prompts(locations, opened, "harmful", harmful),
              prompts(locations, opened, "harmless", harmless),
              task == null ? List.of() : prompts(locations, opened, "task", task));
      try (CausalLm loaded = opened.load();
          ProgressBar bar = trainer.context().terminal() ? bar(prompts.count()) : null) {
        IntConsumer progress = count -> {};
        if (bar != null) {
          progress = bar::stepBy;
        }
        GreedyReplies replies =
            new GreedyReplies(
                loaded,
                opened.pretrained().tokenizer(),
                opened.pretrained().endOfSequenceIds(),
                maxNewTokens,
                progress);
        measured = SafetyEvaluation.measure(replies, prompts, judge);
      }
    }
    trainer.context().out().print(json ? asJson(measured) : asTable(measured));
    return ExitReason.SUCCESS.code();
  }

  private Judge judge(Locations locations) throws IOException {
    return StringListJudge.isName(judgeName)
        ? StringListJudge.named(judgeName)
        : new JudgeFactory(locations.resolver(), locations.secrets(), asked -> {})
            .make(
                TrainerProcess.readManifest(Path.of(judgeName))
                    .getSpec()
                    .safety()
                    .evaluation()
                    .judge());
  }

  private List<EvaluationPrompt> prompts(
      Locations locations, OpenedModel opened, String field, String file) {
    return EvaluationPrompts.read(
        locations.find(field, file, null, null),
        file,
        opened.pretrained().tokenizer(),
        opened.pretrained().chatTemplate());
  }

  private ProgressBar bar(int total) {
    return new ProgressBarBuilder()
        .setTaskName("evaluating")
        .setUnit(" replies", 1)
        .setInitialMax(total)
        .build();
  }

  private String asJson(SafetyMeasurements measured) throws IOException {
    ObjectNode root = FiniteJson.indented().createObjectNode();
    root.put("model", model.model());
    root.put("adapter", model.adapter());
    root.put("judge", measured.judge().name());
    root.put("maxNewTokens", maxNewTokens);
    root.set("measurements", FiniteJson.compact().valueToTree(measured));
    return FiniteJson.indented().writeValueAsString(root) + "\n";
  }

  private static String asTable(SafetyMeasurements measured) {
    StringBuilder table = new StringBuilder();
    table.append(row("refusal", Rates.withInterval(measured.refusal())));
    table.append(row("over-refusal", Rates.withInterval(measured.overRefusal())));
    table.append(row("task accuracy", Rates.withInterval(measured.taskAccuracy())));
    table.append(row("incoherent", Rates.withInterval(measured.incoherent())));
    table.append(row("judge", measured.judge().name()));
    return table.toString();
  }

  private static String row(String name, String value) {
    return String.format(Locale.ROOT, ROW, name, value);
  }
}
