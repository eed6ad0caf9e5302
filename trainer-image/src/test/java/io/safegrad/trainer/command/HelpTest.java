package io.safegrad.trainer.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.ExitReason;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HelpTest {

  @ParameterizedTest
  @ValueSource(
      strings = {"run", "merge", "evaluate", "generate", "chat", "inspect", "verify", "reproduce"})
  void everyCommandShowsAnExampleAndItsExitCodes(String command) {
    CommandRun run = CommandRun.of(command, "--help");

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("Usage: safegrad-trainer " + command)
        .containsPattern("Example:\\R  safegrad-trainer " + command + " --")
        .contains("--debug")
        .containsPattern("(?m)^ +0 ")
        .containsPattern("(?m)^ +" + ExitReason.BAD_PLAN.code() + " ");
  }

  @Test
  void aCommandIsExpected() {
    assertThat(CommandRun.of())
        .isEqualTo(
            new CommandRun(
                64,
                "",
                """
                safegrad-trainer: expected a command, for example: run
                Options and an example: safegrad-trainer --help
                """));
    assertThat(CommandRun.of("--help").out()).contains("run", "merge");
    assertThat(CommandRun.of("--version").out()).startsWith("safegrad-trainer ");
  }
}
