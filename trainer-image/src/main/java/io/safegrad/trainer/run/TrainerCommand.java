package io.safegrad.trainer.run;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.report.RunVersions;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
    name = "safegrad-trainer",
    mixinStandardHelpOptions = true,
    versionProvider = TrainerCommand.Version.class,
    description = "Fine-tunes language models without undoing their safety alignment.",
    footer = {"", "Example:", "  safegrad-trainer run --manifest deploy/examples/quickstart.yaml"},
    subcommands = RunCommand.class)
public final class TrainerCommand implements Runnable {

  @Spec private CommandSpec spec;

  /** Runs a command line and returns the exit code. */
  public static int execute(String... args) {
    CommandLine commandLine = new CommandLine(new TrainerCommand());
    for (CommandLine each : commandLine.getSubcommands().values()) {
      each.getCommandSpec().exitCodeOnInvalidInput(ExitReason.BAD_PLAN.code());
    }
    commandLine.getCommandSpec().exitCodeOnInvalidInput(ExitReason.BAD_PLAN.code());
    return commandLine.execute(args);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command, for example: run");
  }

  /** The program's version, from the build. */
  static final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
      return new String[] {"safegrad-trainer " + RunVersions.safegradVersion()};
    }
  }
}
