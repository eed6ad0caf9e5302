package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressLinesTest {

  private final ByteArrayOutputStream written = new ByteArrayOutputStream();

  @Test
  void aTerminalIsWrittenOverAndNeverWraps() {
    ProgressLines lines = lines(12);
    lines.show(List.of(line("a", "first 1"), line("a", "second 1")));
    lines.show(List.of(line("a", "first 2"), line("a", "second, and too long")));
    assertThat(text())
        .isEqualTo("first 1\033[K\nsecond 1\033[K\n\033[2Afirst 2\033[K\nsecond, and\033[K\n");
  }

  @Test
  void aFileGetsALineWhenAStageChanges() {
    ProgressLines lines = lines(0);
    lines.show(List.of(line("Pending", "x Pending")));
    lines.show(List.of(line("Training", "x Training 1/9")));
    lines.show(List.of(line("Training", "x Training 2/9")));
    lines.show(List.of(line("Succeeded", "x Succeeded")));
    assertThat(text()).isEqualTo("x Pending\nx Training 1/9\nx Succeeded\n");
  }

  private ProgressLines lines(int columns) {
    return new ProgressLines(new PrintStream(written, true, StandardCharsets.UTF_8), columns);
  }

  private static ProgressLines.Line line(String stage, String text) {
    return new ProgressLines.Line(stage, text);
  }

  private String text() {
    return written.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
  }
}
