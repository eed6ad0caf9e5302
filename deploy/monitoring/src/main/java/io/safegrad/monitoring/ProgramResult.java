package io.safegrad.monitoring;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * What a program printed and how it ended.
 *
 * @param exitCode 0 for success
 * @param output standard output and error together
 */
public record ProgramResult(int exitCode, String output) {

  /** Runs a program to its end. */
  public static ProgramResult run(Path folder, List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    try (InputStream stream = process.getInputStream()) {
      String output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      return new ProgramResult(process.onExit().join().exitValue(), output.strip());
    }
  }
}
