package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.inspect.Inspection;
import io.safegrad.trainer.inspect.Inspector;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code safegrad-trainer inspect}. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Says what a file or directory is, and what keeps it from being used: a model directory, a"
          + " GGUF or safetensors file, a PEFT adapter, a checkpoint or a report of a run.",
      "Weights are not read, only what describes them; the digests of a checkpoint are checked."
    },
    footer = {"", "Example:", "  safegrad-trainer inspect --json ./adapters/support-bot"},
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:it can be used",
      "64:the command line is wrong",
      "65:it has a problem, or is nothing that this program knows",
      "69:there is nothing at the path",
      "70:a fault of the program or of its machine"
    })
final class InspectCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Option(names = "--json", description = "Writes JSON instead of a table.")
  private boolean json;

  @Parameters(
      paramLabel = "PATH",
      description = "A file or directory, or an address as in a manifest.")
  private String path;

  @Override
  public Integer call() throws IOException {
    try (Locations locations = new Locations(trainer.context())) {
      Inspection inspection = Inspector.inspect(locations.find("model.source", path, null, null));
      trainer
          .context()
          .out()
          .print(json ? inspection.json().toPrettyString() + "\n" : inspection.text());
      return inspection.problems().isEmpty()
          ? ExitReason.SUCCESS.code()
          : ExitReason.BAD_DATA.code();
    }
  }
}
