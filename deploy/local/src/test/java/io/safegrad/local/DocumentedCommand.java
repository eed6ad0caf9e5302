package io.safegrad.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A command that a document shows: a line of a block that begins with a program or a file of this
 * repository, or a piece of inline code that begins with one and has options or is a script. A
 * program without options is a name in a sentence, not a line to type.
 *
 * @param document relative to the repository
 * @param heading under which it stands, without its {@code #}; empty above the first one
 * @param text without its prompt and what is said of it
 * @param refused the document says of it {@code # refused}: it has to fail
 */
record DocumentedCommand(String document, String heading, String text, boolean refused) {

  static final Path REPOSITORY = Path.of("..", "..").toAbsolutePath().normalize();

  private static final Pattern PROGRAM =
      Pattern.compile(
          "(?:[A-Z][A-Z0-9_]*=\\S+ +)*"
              + "(?:(?:kubectl|helm|safegrad-trainer|openssl|vllm|llama-server|python3?|pip|java"
              + "|docker|podman|git|go|curl|promtool|dashboard-linter|asciinema|argocd|flux"
              + "|kustomize|export|cd|for)"
              + "|kind (?:create|load|delete)"
              + "|(?:~|\\.)?/?[\\w.-]+(?:/[\\w.-]+)*/(?:[\\w-]+\\.(?:sh|py)|run|mvnw|safegrad-trainer|python)"
              + "|\\.ci/run)(?: .*)?");
  private static final Pattern INLINE = Pattern.compile("`([^`]+)`");
  private static final Pattern TYPED =
      Pattern.compile(
          ".* --?[A-Za-z].*|(?:\\.|~|[\\w.-]+)/.*\\.(?:sh|py)\\b.*|\\./mvnw .*|python3? .*|\\.ci/run");
  private static final Pattern REMARK = Pattern.compile("\\s+# (.*)$");

  /** Every command of every Markdown file outside of build folders. */
  static List<DocumentedCommand> all() {
    return documents().stream().flatMap(document -> of(document).stream()).toList();
  }

  private static List<String> documents() {
    try (Stream<Path> files = Files.walk(REPOSITORY)) {
      return files
          .map(file -> REPOSITORY.relativize(file).toString())
          .filter(file -> file.endsWith(".md"))
          .filter(file -> !file.matches("(.*/)?(target|src/test|\\.git|\\.safegrad-local)/.*"))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The commands of one document in their order. */
  static List<DocumentedCommand> of(String document) {
    List<DocumentedCommand> commands = new ArrayList<>();
    String heading = "";
    boolean fenced = false;
    boolean block = false;
    boolean blank = true;
    for (String line : lines(document)) {
      if (line.startsWith("```")) {
        fenced = !fenced;
      } else if (!fenced && line.startsWith("#")) {
        heading = line.replaceFirst("^#+ ", "");
      }
      block = fenced || (line.startsWith("    ") && (blank || block));
      blank = line.isBlank();
      if (block) {
        String typed = line.strip().replaceFirst("^\\$ ", "");
        Matcher remark = REMARK.matcher(typed);
        String said = remark.find() ? remark.group(1) : "";
        String text = remark.replaceFirst("").strip();
        if (PROGRAM.matcher(text).matches()) {
          commands.add(new DocumentedCommand(document, heading, text, said.startsWith("refused")));
        }
      } else {
        Matcher inline = INLINE.matcher(line);
        while (inline.find()) {
          String text = inline.group(1);
          if (PROGRAM.matcher(text).matches() && TYPED.matcher(text).matches()) {
            commands.add(new DocumentedCommand(document, heading, text, false));
          }
        }
      }
    }
    return commands;
  }

  private static List<String> lines(String document) {
    try {
      return Files.readAllLines(REPOSITORY.resolve(document));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
