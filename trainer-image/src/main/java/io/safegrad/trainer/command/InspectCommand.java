package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.inspect.Inspection;
import io.safegrad.trainer.inspect.Inspector;
import io.safegrad.trainer.inspect.ManifestInspection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
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
      "Weights are not read, only what describes them; the digests of a checkpoint are checked.",
      "With --manifest it says what a run of it would need of memory, and whether that fits."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer inspect --json ./adapters/support-bot",
      "  safegrad-trainer inspect --manifest deploy/examples/quickstart.yaml"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:it can be used",
      "64:the command line is wrong",
      "65:it has a problem, or is nothing that this program knows",
      "69:there is nothing at the path",
      "70:a fault of the program or of its machine",
      "71:the manifest's run is expected to need more memory than there is"
    })
final class InspectCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Option(names = "--json", description = "Writes JSON instead of a table.")
  private boolean json;

  @ArgGroup(multiplicity = "1")
  private Subject subject;

  /** What is looked at. */
  private static final class Subject {

    @Parameters(
        paramLabel = "PATH",
        description = "A file or directory, or an address as in a manifest.")
    private String path;

    @Option(
        names = "--manifest",
        paramLabel = "FILE",
        description =
            "A SafeFineTune, whose data are read. Compared are spec.pod.resources.limits.memory, or"
                + " else what this machine has.")
    private Path manifest;
  }

  @Override
  public Integer call() throws IOException {
    return subject.manifest == null ? inspect(subject.path) : estimate(subject.manifest);
  }

  private int estimate(Path manifest) throws IOException {
    try (Locations locations = new Locations(trainer.context())) {
      Inspection inspection =
          ManifestInspection.of(manifest, locations.resolver(), locations.folder());
      print(inspection);
      return inspection.problems().isEmpty()
          ? ExitReason.SUCCESS.code()
          : ExitReason.OUT_OF_MEMORY.code();
    }
  }

  private int inspect(String path) throws IOException {
    try (Locations locations = new Locations(trainer.context())) {
      Inspection inspection = Inspector.inspect(locations.find("model.source", path, null, null));
      print(inspection);
      return inspection.problems().isEmpty()
          ? ExitReason.SUCCESS.code()
          : ExitReason.BAD_DATA.code();
    }
  }

  private void print(Inspection inspection) {
    trainer
        .context()
        .out()
        .print(json ? inspection.json().toPrettyString() + "\n" : inspection.text());
  }
}
