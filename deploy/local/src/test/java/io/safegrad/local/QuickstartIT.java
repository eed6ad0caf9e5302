package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The quickstart's program as {@code deploy/quickstart.sh} starts it, interrupted. */
class QuickstartIT {

  private static final Path FOLDER = Path.of("target", "quickstart").toAbsolutePath();
  private static final Path OUTPUT = Path.of("target", "quickstart.out").toAbsolutePath();
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private Process quickstart;

  @BeforeEach
  void start() throws IOException {
    FileTree.delete(FOLDER);
    quickstart =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                Path.of("target", "safegrad-local.jar").toString(),
                "--repository",
                Path.of("..", "..").toString(),
                "--folder",
                FOLDER.toString())
            .redirectErrorStream(true)
            .redirectOutput(OUTPUT.toFile())
            .start();
  }

  @AfterEach
  void nothingIsLeft() {
    await().atMost(PATIENCE).until(() -> Processes.in(FOLDER).isEmpty());
  }

  @Test
  void askedToStopInTheMiddleOfTheRunsItEndsEverythingInOrder() throws IOException {
    await().atMost(PATIENCE).until(() -> Files.readString(OUTPUT).contains(" Training "));
    assertThat(Processes.in(FOLDER)).hasSizeGreaterThanOrEqualTo(6);
    quickstart.destroy();
    quickstart.onExit().join();
    assertThat(Processes.in(FOLDER)).isEmpty();
    assertThat(OUTPUT).content().contains("==> stopping").doesNotContain("Exception");
  }

  @Test
  void killedWhileItStartsItLeavesNothing() {
    await().atMost(PATIENCE).until(() -> !Processes.in(FOLDER).isEmpty());
    quickstart.destroyForcibly().onExit().join();
  }
}
