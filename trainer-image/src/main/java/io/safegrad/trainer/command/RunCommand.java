package io.safegrad.trainer.command;

import io.safegrad.trainer.run.TrainerProcess;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code safegrad-trainer run}. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Fine-tunes a model, measures its safety before and after, and publishes the adapter when the"
          + " gate holds.",
      "Asked to stop (Ctrl-C, SIGTERM) it keeps a checkpoint beside the destination; the same command"
          + " goes on from there, also after a kill.",
      "Without --manifest it runs the plan that the operator mounted at $SAFEGRAD_PLAN."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer run --manifest deploy/examples/quickstart.yaml",
      "  pvc://CLAIM/PATH is ./pvc/CLAIM/PATH, or $SAFEGRAD_VOLUMES/CLAIM/PATH."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:the gate held and the adapter is published",
      "64:the plan, the manifest or the command line is wrong",
      "65:the model or the data are unusable",
      "66:the safety gate refused the adapter",
      "67:the start model is not aligned; nothing was trained",
      "69:a model, a data set or the destination cannot be reached",
      "70:a fault of the trainer or of its machine, a full disk among them",
      "71:out of memory",
      "75:asked to stop; the same command goes on"
    })
final class RunCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Option(
      names = "--manifest",
      paramLabel = "FILE",
      description = "A SafeFineTune to run on this machine, with no cluster.")
  private Path manifest;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "Answers /progress, /metrics and /healthz there; 0 picks a free port.")
  private Integer port;

  @Override
  public Integer call() {
    CommandContext context = trainer.context();
    return new TrainerProcess(context.variables(), context.out(), context.err())
        .execute(manifest, port);
  }
}
