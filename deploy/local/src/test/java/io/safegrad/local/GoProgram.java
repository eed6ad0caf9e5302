package io.safegrad.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A program that tests build from its Go module, once, beside the control plane's programs.
 *
 * @param name its file name, and that of the folder here whose go.mod names its version
 * @param module the Go module it is of
 * @param command the package of it that is the program
 */
record GoProgram(String name, String module, String command) {

  /** The version that go.mod names of a module. */
  String version(String required) {
    Path file = Path.of(name, "go.mod");
    try {
      Matcher version =
          Pattern.compile(Pattern.quote(required) + " (v\\S+)").matcher(Files.readString(file));
      if (!version.find()) {
        throw new AssertionError(file + " does not require " + required);
      }
      return version.group(1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The program, built if it is not there yet.
   *
   * @param flags for the linker
   */
  Path built(String flags) {
    try {
      Path folder = root().resolve(name).resolve(version(module));
      Path program = folder.resolve(name);
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        if (!Files.isExecutable(program)) {
          build(program, flags);
        }
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path root() {
    String given = System.getenv().getOrDefault("KUBE_API_TEST_DIR", "");
    return given.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".kubeapitest")
        : Path.of(given);
  }

  private void build(Path program, String flags) throws IOException {
    Path staged = program.resolveSibling("staged");
    Process build =
        new ProcessBuilder(
                "go", "build", "-trimpath", "-ldflags", flags, "-o", staged.toString(), command)
            .directory(Path.of(name).toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (build.onExit().join().exitValue() != 0) {
      throw new AssertionError(
          name + " cannot be built with Go (1.26 or later) from " + module + ": " + output);
    }
    Files.move(staged, program, StandardCopyOption.ATOMIC_MOVE);
  }
}
