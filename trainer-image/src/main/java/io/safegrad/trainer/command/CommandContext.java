package io.safegrad.trainer.command;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;

/**
 * What a command has around it.
 *
 * @param variables the environment variables
 * @param in what is typed, or piped in
 * @param out receives what was asked for
 * @param err receives everything else
 * @param terminal whether a person sits at in and out
 */
record CommandContext(
    Map<String, String> variables,
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean terminal) {

  /** That of this process. */
  static CommandContext ofProcess() {
    return new CommandContext(
        System.getenv(), System.in, System.out, System.err, System.console() != null);
  }
}
