package io.safegrad.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The documents' commands that {@link DocsIT} does not run, each with the reason: lines of {@code
 * commands-not-run.txt} that are indented stand under their reason; one that ends with " …" stands
 * for all that begin so.
 */
record CommandsNotRun(Map<String, String> reasons) {

  private static final Path FILE =
      Path.of("src", "test", "resources", "commands-not-run.txt").toAbsolutePath();

  static CommandsNotRun read() {
    Map<String, String> reasons = new LinkedHashMap<>();
    String reason = "";
    for (String line : lines()) {
      if (line.startsWith("    ")) {
        reasons.put(line.strip(), reason);
      } else if (!line.isBlank() && !line.startsWith("#")) {
        reason = line;
      }
    }
    return new CommandsNotRun(reasons);
  }

  boolean has(DocumentedCommand command) {
    return reasons.keySet().stream().anyMatch(entry -> stands(entry, command));
  }

  /** What no document has any more. */
  List<String> stale(List<DocumentedCommand> documented) {
    return reasons.keySet().stream()
        .filter(entry -> documented.stream().noneMatch(command -> stands(entry, command)))
        .toList();
  }

  private static boolean stands(String entry, DocumentedCommand command) {
    return entry.endsWith(" …")
        ? command.text().startsWith(entry.substring(0, entry.length() - 1))
        : command.text().equals(entry);
  }

  private static List<String> lines() {
    try {
      return Files.readAllLines(FILE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
