package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** That what the operator's tests take for kstatus' answers is what its library says today. */
class KstatusTest {

  private static final Path OPERATOR = DocumentedCommand.REPOSITORY.resolve("operator/src/test");

  @Test
  void kstatusSaysOfEachStateWhatIsWritten(@TempDir Path folder) throws IOException {
    Path program = folder.resolve("kstatus");
    Process build =
        new ProcessBuilder("go", "build", "-o", program.toString(), ".")
            .directory(OPERATOR.resolve("kstatus").toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(build.onExit().join().exitValue()).as(output).isZero();

    List<String> command = new ArrayList<>(List.of(program.toString()));
    for (String line : Files.readAllLines(OPERATOR.resolve("resources/states.txt"))) {
      String[] parts = line.split(" ", 2);
      Path file = folder.resolve(parts[0] + ".yaml");
      Files.writeString(file, parts[1]);
      command.add(file.toString());
    }
    Stream<String> said =
        ProgramResult.of(Path.of("/dev/null"), command)
            .succeeded()
            .lines()
            .map(line -> String.join(" ", List.of(line.split(" +")).subList(0, 2)));
    assertThat(said)
        .hasSizeGreaterThan(10)
        .containsExactlyInAnyOrderElementsOf(
            Files.readAllLines(OPERATOR.resolve("resources/states-kstatus.txt")));
  }
}
