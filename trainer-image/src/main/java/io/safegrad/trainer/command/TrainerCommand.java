package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.run.RunFailure;
import java.io.PrintWriter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line. */
@Command(
    name = "safegrad-trainer",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    versionProvider = TrainerCommand.Version.class,
    description = "Fine-tunes language models without undoing their safety alignment.",
    footer = {"", "Example:", "  safegrad-trainer run --manifest deploy/examples/quickstart.yaml"},
    subcommands = {
      RunCommand.class,
      MergeCommand.class,
      EvaluateCommand.class,
      GenerateCommand.class,
      ChatCommand.class,
      InspectCommand.class,
      VerifyCommand.class,
      ReproduceCommand.class
    })
public final class TrainerCommand implements Runnable {

  private static final Logger LOG = LoggerFactory.getLogger(TrainerCommand.class);
  private static final String DEBUG = "--debug";
  private static final int USAGE_WIDTH = 100;

  private final CommandContext context;

  @Spec private CommandSpec spec;

  @Option(names = DEBUG, scope = ScopeType.INHERIT, description = "Logs stack traces, too.")
  private boolean debug;

  private TrainerCommand(CommandContext context) {
    this.context = context;
  }

  /** Runs a command line and returns the exit code, which is one of {@link ExitReason}. */
  public static int execute(String... args) {
    return execute(CommandContext.ofProcess(), args);
  }

  static int execute(CommandContext context, String... args) {
    CommandLine commandLine = new CommandLine(new TrainerCommand(context));
    commandLine.setOut(new PrintWriter(context.out(), true));
    commandLine.setErr(new PrintWriter(context.err(), true));
    commandLine.setUsageHelpWidth(USAGE_WIDTH);
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setParameterExceptionHandler((e, all) -> badCommandLine(e));
    commandLine.setExecutionStrategy(parsed -> run(context, parsed));
    return commandLine.execute(args);
  }

  /** What is around the command. */
  CommandContext context() {
    return context;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "expected a command, for example: run");
  }

  private static int run(CommandContext context, ParseResult parsed) {
    boolean debug = false;
    for (ParseResult each = parsed; each != null; each = each.subcommand()) {
      debug |= each.matchedOptionValue(DEBUG, false);
    }
    ConsoleLog.configure(debug);
    try {
      return new RunLast().execute(parsed);
    } catch (ParameterException e) {
      throw e;
    } catch (Throwable e) {
      Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
      LOG.debug("the command failed", cause);
      RunFailure failure = RunFailure.of(cause);
      context.err().println("safegrad-trainer: " + failure.message());
      return failure.reason().code();
    }
  }

  private static int badCommandLine(ParameterException e) {
    PrintWriter err = e.getCommandLine().getErr();
    err.println("safegrad-trainer: " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, err);
    err.println(
        "Options and an example: %s --help"
            .formatted(e.getCommandLine().getCommandSpec().qualifiedName()));
    return ExitReason.BAD_PLAN.code();
  }

  /** The program's version, from the build. */
  static final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
      return new String[] {"safegrad-trainer " + RunVersions.safegradVersion()};
    }
  }
}
