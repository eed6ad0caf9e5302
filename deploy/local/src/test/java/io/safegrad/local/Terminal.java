package io.safegrad.local;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A shell that has a cluster's programs, in a folder for each document that looks like the
 * repository's root and is written to instead of it.
 */
final class Terminal {

  private static final List<String> OF_THE_REPOSITORY =
      List.of("crds", "deploy", "docs", "operator", "trainer-image");
  private static final int MINUTES = 5;
  private static final int COLUMNS = 150;
  private static final int ROWS = 40;

  /** Nobody waits longer than this in a cast. */
  private static final double IDLE_SECONDS = 2;

  private record Line(String typed, String printed, double seconds) {}

  private final Path folder;
  private final Map<String, String> variables = new HashMap<>();
  private final List<Line> lines = new ArrayList<>();
  private Path here;

  private Terminal(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens one.
   *
   * @param programs by the names they are called by
   */
  static Terminal in(Path folder, Path kubeconfig, Map<String, Path> programs) throws IOException {
    Terminal terminal = new Terminal(folder);
    Path path = Files.createDirectories(folder.resolve("bin"));
    for (Map.Entry<String, Path> program : programs.entrySet()) {
      Files.createSymbolicLink(path.resolve(program.getKey()), program.getValue());
    }
    terminal.setVariable("KUBECONFIG", kubeconfig.toString());
    terminal.setVariable("JAVA_HOME", System.getProperty("java.home"));
    terminal.setVariable("PATH", path + ":" + System.getenv("PATH"));
    terminal.enter("README.md");
    return terminal;
  }

  void setVariable(String name, String value) {
    variables.put(name, value);
  }

  /** The folder in which the commands of a document are run. */
  Path workspace(String document) {
    Path work = folder.resolve(document.replaceAll("\\W", "-"));
    if (Files.notExists(work)) {
      try {
        Files.createDirectories(work);
        for (String name : OF_THE_REPOSITORY) {
          Files.createSymbolicLink(work.resolve(name), DocumentedCommand.REPOSITORY.resolve(name));
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return work;
  }

  /** Goes there. */
  void enter(String document) {
    here = workspace(document);
  }

  /** Forgets what was typed so far. */
  void record() {
    lines.clear();
  }

  /** Runs a line and keeps it with what it printed. */
  ProgramResult type(String line) {
    long start = System.nanoTime();
    ProgramResult result = tries(line);
    double seconds = (System.nanoTime() - start) / 1e9;
    lines.add(new Line(line, result.output() + result.error(), seconds));
    return result;
  }

  /** Runs a line that nobody is to see. */
  ProgramResult tries(String line) {
    try {
      Path output = Files.createTempFile(folder, "terminal", ".out");
      Path error = Files.createTempFile(folder, "terminal", ".err");
      ProcessBuilder builder = new ProcessBuilder("bash", "-o", "pipefail", "-c", line);
      builder.directory(here.toFile()).environment().putAll(variables);
      builder.redirectOutput(output.toFile()).redirectError(error.toFile());
      Process process = builder.start();
      process.getOutputStream().close();
      if (!process.waitFor(MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError("it does not end: " + line);
      }
      return new ProgramResult(
          process.exitValue(), Files.readString(output), Files.readString(error));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** All that was typed and printed. */
  String transcript() {
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append("$ ").append(line.typed).append('\n').append(line.printed));
    return text.toString();
  }

  /** Writes it in asciinema's format, version 2. */
  void writeCast(String title, Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    StringBuilder cast = new StringBuilder();
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("version", 2);
    header.put("width", COLUMNS);
    header.put("height", ROWS);
    header.put("title", title);
    cast.append(json.writeValueAsString(header)).append('\n');
    double time = 0;
    for (Line line : lines) {
      time += IDLE_SECONDS / 2;
      event(cast, json, time, "$ " + line.typed + "\n");
      time += Math.min(IDLE_SECONDS, line.seconds);
      event(cast, json, time, line.printed);
    }
    Files.writeString(file, cast);
  }

  private static void event(StringBuilder cast, ObjectMapper json, double time, String text)
      throws IOException {
    double rounded = Math.round(time * 100) / 100.0;
    cast.append(json.writeValueAsString(List.of(rounded, "o", text.replace("\n", "\r\n"))))
        .append('\n');
  }
}
