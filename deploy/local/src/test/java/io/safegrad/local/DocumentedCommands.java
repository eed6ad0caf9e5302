package io.safegrad.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The commands that a document shows under a heading, indented by four spaces. */
final class DocumentedCommands {

  private DocumentedCommands() {}

  /**
   * The commands in their order, each split into its words.
   *
   * @param heading without its {@code ##}
   */
  static List<List<String>> under(Path document, String heading) throws IOException {
    List<String> lines = Files.readAllLines(document);
    int start = lines.indexOf("## " + heading);
    if (start < 0) {
      throw new AssertionError(document + " has no heading " + heading);
    }
    return lines.subList(start + 1, lines.size()).stream()
        .takeWhile(line -> !line.startsWith("## "))
        .filter(line -> line.startsWith("    "))
        .map(line -> Arrays.asList(line.strip().split(" +")))
        .toList();
  }
}
