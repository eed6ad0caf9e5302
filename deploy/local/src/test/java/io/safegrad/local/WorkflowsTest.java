package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** GitHub's workflows, which cannot be run here, as actionlint finds them. */
class WorkflowsTest {

  private static final String MODULE = "github.com/rhysd/actionlint";
  private static final GoProgram ACTIONLINT =
      new GoProgram("actionlint", MODULE, MODULE + "/cmd/actionlint");
  private static final Path FOLDER = DocumentedCommand.REPOSITORY.resolve(".github/workflows");

  @Test
  void actionlintFindsNothing() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> workflows = files.sorted().toList();
      assertThat(workflows).hasSizeGreaterThanOrEqualTo(2);
      assertThat(lint(workflows).succeeded()).isEmpty();
    }
  }

  @Test
  void itWouldFindAMistake(@TempDir Path folder) throws IOException {
    String workflow = Files.readString(FOLDER.resolve("kind.yml"));
    Path broken = folder.resolve("broken.yml");
    Files.writeString(broken, workflow.replace("runs-on: ubuntu-24.04", "runs-on: ubuntu-9"));
    ProgramResult result = lint(List.of(broken));
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output()).contains("label \"ubuntu-9\" is unknown");
  }

  /** Without the linters of shells and Python that a machine happens to have. */
  private static ProgramResult lint(List<Path> workflows) {
    List<String> command =
        new ArrayList<>(
            List.of(ACTIONLINT.built("-s -w").toString(), "-shellcheck=", "-pyflakes="));
    workflows.forEach(file -> command.add(file.toString()));
    return ProgramResult.of(Path.of("/dev/null"), command);
  }
}
