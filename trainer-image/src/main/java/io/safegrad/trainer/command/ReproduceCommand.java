package io.safegrad.trainer.command;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.Reproduction;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.run.TrainerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code safegrad-trainer reproduce}. */
@Command(
    name = "reproduce",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs the plan of a report once more, from the addresses it names, and says whether the same"
          + " comes out: inputs, verdict, measurements, and the adapter byte for byte.",
      "Use the same number of threads (OMP_NUM_THREADS) and the same kind of processor: the report"
          + " has both. What is compared with is the report as it is; verify says whether it is"
          + " untouched."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer reproduce --output ./again ./adapters/support-bot"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:the same came out",
      "64:the command line is wrong, or the output is not empty",
      "65:something else came out, or there is no report",
      "69:a model, a data set or the output cannot be reached",
      "70:a fault of the program or of its machine"
    })
final class ReproduceCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      required = true,
      description = "The folder that receives what the second run publishes; empty, or not there.")
  private Path output;

  @Parameters(paramLabel = "DIR", description = "What a run published, on this machine.")
  private Path folder;

  @Override
  public Integer call() throws IOException {
    RunReport first = read(folder);
    requireEmpty(output);
    CommandContext context = trainer.context();
    int code =
        new TrainerProcess(context.variables(), context.out(), context.err())
            .execute(first.plan().publishedTo("file://" + output.toAbsolutePath().normalize()));
    return Files.exists(output.resolve(RunReport.FILE_NAME))
        ? tell(Reproduction.compare(first, read(output)))
        : code;
  }

  private int tell(List<Finding> findings) {
    findings.forEach(
        each ->
            trainer
                .context()
                .out()
                .printf("%-5s %s: %s%n", each.status(), each.what(), each.message()));
    if (findings.stream().noneMatch(each -> each.status() == Finding.Status.WRONG)) {
      return ExitReason.SUCCESS.code();
    }
    throw new TrainerException(
        ExitReason.BAD_DATA, "what is in %s did not come out again".formatted(folder));
  }

  /** What is there would be taken for what came out. */
  private static void requireEmpty(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        if (files.findAny().isEmpty()) {
          return;
        }
      }
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN,
        "--output: expected a folder that is empty or not there, found " + folder);
  }

  private static RunReport read(Path folder) throws IOException {
    Path file = folder.resolve(RunReport.FILE_NAME);
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.BAD_DATA, "%s: there is no report to begin with".formatted(file));
    }
    try {
      return new ObjectMapper().readValue(file.toFile(), RunReport.class);
    } catch (JsonProcessingException e) {
      throw new TrainerException(
          ExitReason.BAD_DATA, "%s: expected a report of this version".formatted(file));
    }
  }
}
