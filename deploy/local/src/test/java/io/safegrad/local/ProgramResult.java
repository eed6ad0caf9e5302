package io.safegrad.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a program printed that has ended.
 *
 * @param output standard output
 * @param error standard error
 */
record ProgramResult(int exitCode, String output, String error) {

  /** Runs a program to its end, in the repository's root. */
  static ProgramResult of(Path kubeconfig, List<String> command) {
    try {
      Path output = Files.createTempFile("program", ".out");
      Path error = Files.createTempFile("program", ".err");
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.directory(Path.of("..", "..").toFile());
      builder.environment().put("KUBECONFIG", kubeconfig.toString());
      builder.redirectOutput(output.toFile()).redirectError(error.toFile());
      int exitCode = builder.start().onExit().join().exitValue();
      ProgramResult result =
          new ProgramResult(exitCode, Files.readString(output), Files.readString(error));
      Files.delete(output);
      Files.delete(error);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The output of a program that had to succeed. */
  String succeeded() {
    if (exitCode != 0) {
      throw new AssertionError("it ended with " + exitCode + ": " + error + output);
    }
    return output;
  }
}
