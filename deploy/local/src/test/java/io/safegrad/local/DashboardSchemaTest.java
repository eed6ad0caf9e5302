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

/** The dashboards, read by Grafana's own SDK with every field that its schema knows or requires. */
class DashboardSchemaTest {

  private static final GoProgram CHECK =
      new GoProgram("dashboard-schema", "github.com/grafana/grafana-foundation-sdk/go", ".");
  private static final Path FOLDER =
      DocumentedCommand.REPOSITORY.resolve("deploy/monitoring/dashboards");

  @Test
  void eachIsOfGrafanasSchema() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<Path> dashboards = files.filter(file -> file.toString().endsWith(".json")).toList();
      assertThat(dashboards).hasSize(3);
      assertThat(check(dashboards).succeeded()).isEmpty();
    }
  }

  @Test
  void itWouldFindAMistake(@TempDir Path folder) throws IOException {
    String dashboard = Files.readString(FOLDER.resolve("safegrad-run.json"));
    Path broken = folder.resolve("broken.json");
    Files.writeString(
        broken,
        dashboard
            .replaceFirst("\"wideLayout\"", "\"wide\"")
            .replaceFirst("\"lineWidth\" : 1", "\"lineWidth\" : \"thin\""));
    ProgramResult result = check(List.of(broken));
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output()).contains("unexpected field 'wide'", "wideLayout", "lineWidth");
  }

  private static ProgramResult check(List<Path> dashboards) {
    List<String> command = new ArrayList<>(List.of(CHECK.built("-s -w").toString()));
    dashboards.forEach(file -> command.add(file.toString()));
    return ProgramResult.of(Path.of("/dev/null"), command);
  }
}
