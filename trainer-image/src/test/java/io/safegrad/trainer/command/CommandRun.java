package io.safegrad.trainer.command;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A command line that was run in this JVM. */
record CommandRun(int code, String out, String err) {

  static CommandRun of(String... arguments) {
    return withInput("", arguments);
  }

  /**
   * @param in what is piped in
   */
  static CommandRun withInput(String in, String... arguments) {
    return run(false, in, arguments);
  }

  /**
   * @param in what is typed
   */
  static CommandRun atTerminal(String in, String... arguments) {
    return run(true, in, arguments);
  }

  private static CommandRun run(boolean terminal, String in, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    CommandContext context =
        new CommandContext(
            Map.of(),
            new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            terminal);
    int code = TrainerCommand.execute(context, arguments);
    return new CommandRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
