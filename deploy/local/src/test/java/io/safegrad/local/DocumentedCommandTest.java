package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What can be said of the documents' commands without running them. */
class DocumentedCommandTest {

  private static final Pattern NAMED_CLASS =
      Pattern.compile("-D(?:it\\.)?test='?([\\w*,]+)|io\\.safegrad\\.[a-z.]*([A-Z]\\w*)");
  private static final Pattern SCRIPT =
      Pattern.compile("(?<=^| )(?:\\./)?([\\w.-]+/[\\w./-]+\\.(?:sh|py)|mvnw|\\.ci/run)\\b");

  private static final List<DocumentedCommand> ALL = DocumentedCommand.all();

  @Test
  void commandsAreFoundInBlocksAndInSentences() {
    assertThat(texts("docs/install.md"))
        .contains(
            "helm install safegrad-operator deploy/helm --namespace safegrad-system --wait",
            "kubectl delete -f deploy/install.yaml")
        .doesNotContain("helm uninstall");
    assertThat(texts("docs/command-line.md"))
        .contains("safegrad-trainer inspect pvc/adapters/quickstart-safegrad")
        .noneMatch(text -> text.startsWith("written:"));
    assertThat(texts("CONTRIBUTING.md")).contains(".ci/run", "./mvnw spotless:apply");
    assertThat(DocumentedCommand.of("docs/first-run.md"))
        .filteredOn(DocumentedCommand::refused)
        .hasSize(1);
  }

  @Test
  void whatIsNotRunStandsInADocument() {
    CommandsNotRun notRun = CommandsNotRun.read();
    assertThat(notRun.stale(ALL)).isEmpty();
    assertThat(notRun.reasons().values()).noneMatch(String::isBlank);
  }

  /** As a document has them. */
  @Test
  void whatAWorkflowRunsStandsInIt() throws IOException {
    Map<String, String> reasons = CommandsNotRun.read().reasons();
    Pattern workflow = Pattern.compile("\\.github/workflows/\\w+\\.yml");
    int found = 0;
    for (Map.Entry<String, String> entry : reasons.entrySet()) {
      Matcher file = workflow.matcher(entry.getValue());
      if (file.find()) {
        found++;
        assertThat(Files.readString(DocumentedCommand.REPOSITORY.resolve(file.group())))
            .contains("          " + entry.getKey() + "\n");
      }
    }
    assertThat(found).isPositive();
  }

  /** Of those that are not run, too. */
  @Test
  void classesAndScriptsThatCommandsNameAreThere() throws IOException {
    Set<String> sources;
    try (Stream<Path> files = Files.walk(DocumentedCommand.REPOSITORY)) {
      sources =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".java"))
              .map(name -> name.replace(".java", ""))
              .collect(Collectors.toSet());
    }
    Set<String> missing = new TreeSet<>();
    for (DocumentedCommand command : ALL) {
      Matcher classes = NAMED_CLASS.matcher(command.text());
      while (classes.find()) {
        String name = classes.group(1) == null ? classes.group(2) : classes.group(1);
        Pattern pattern = Pattern.compile(name.replace("*", "\\w*"));
        if (!name.equals("none") && sources.stream().noneMatch(pattern.asPredicate())) {
          missing.add(command.document() + ": " + name);
        }
      }
      Matcher scripts = SCRIPT.matcher(command.text());
      while (scripts.find()) {
        Path document = DocumentedCommand.REPOSITORY.resolve(command.document());
        if (Files.notExists(DocumentedCommand.REPOSITORY.resolve(scripts.group(1)))
            && Files.notExists(document.resolveSibling(scripts.group(1)))) {
          missing.add(command.document() + ": " + scripts.group(1));
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  private static List<String> texts(String document) {
    return ALL.stream()
        .filter(command -> command.document().equals(document))
        .map(DocumentedCommand::text)
        .toList();
  }
}
