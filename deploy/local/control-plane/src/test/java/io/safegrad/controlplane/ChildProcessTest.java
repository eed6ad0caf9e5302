package io.safegrad.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildProcessTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir Path folder;

  @Test
  void theExitCodeIsTheProgramsOwn() {
    assertThat(shell("exit 7").exitCode().join()).isEqualTo(7);
  }

  @Test
  void itHasTheEnvironmentItIsGivenAndNoOther() throws IOException {
    ChildProcess.start(
            List.of("/usr/bin/env"),
            Map.of("COLOUR", "green"),
            folder,
            log(),
            Duration.ofSeconds(1))
        .exitCode()
        .join();
    assertThat(Files.readString(log())).contains("COLOUR=green").doesNotContain("HOME=");
  }

  @Test
  void aProgramThatIsNotThereEndsWith127AndSaysSo() throws IOException {
    ChildProcess child =
        ChildProcess.start(
            List.of("/no/such/program"), System.getenv(), folder, log(), Duration.ofSeconds(1));
    assertThat(child.exitCode().join()).isEqualTo(127);
    assertThat(Files.readString(log())).contains("/no/such/program");
  }

  @Test
  void closeAsksFirst() throws IOException {
    ChildProcess child = shell("trap 'echo asked; exit 3' TERM; echo ready; sleep 600 & wait");
    await().atMost(SOON).until(() -> Files.readString(log()).contains("ready"));
    child.close();
    assertThat(child.exitCode().join()).isEqualTo(3);
    assertThat(Files.readString(log())).contains("asked");
  }

  @Test
  void closeKillsWhatDoesNotListenAndItsChildren() throws IOException {
    ChildProcess child = shell("trap '' TERM; sleep 600 & echo ready; wait");
    await().atMost(SOON).until(() -> Files.readString(log()).contains("ready"));
    List<ProcessHandle> processes = child.processes().toList();
    child.close();
    assertThat(child.exitCode().join()).isEqualTo(128 + 9);
    await().atMost(SOON).until(() -> processes.stream().noneMatch(ProcessHandle::isAlive));
  }

  @Test
  void itDiesWithAJvmThatIsKilled() throws IOException {
    Process parent =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                ParentProcess.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<ProcessHandle> children =
        parent
            .inputReader()
            .lines()
            .takeWhile(line -> !line.equals("end"))
            .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid)).stream())
            .toList();
    assertThat(children).hasSize(1).allMatch(ProcessHandle::isAlive);
    parent.destroyForcibly().onExit().join();
    await().atMost(SOON).until(() -> children.stream().noneMatch(ProcessHandle::isAlive));
  }

  private ChildProcess shell(String script) {
    return ChildProcess.start(
        List.of("bash", "-c", script), System.getenv(), folder, log(), Duration.ofSeconds(1));
  }

  private Path log() {
    return folder.resolve("output.log");
  }
}
