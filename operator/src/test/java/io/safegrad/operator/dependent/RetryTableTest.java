package io.safegrad.operator.dependent;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.batch.v1.PodFailurePolicyRule;
import io.safegrad.api.ExitReason;
import io.safegrad.operator.Examples;
import io.safegrad.operator.dependent.RetryTable.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The table in docs/lifecycle.md is written by {@code -Dtest=RetryTableTest -Ddocs.write=true}. */
class RetryTableTest {

  private static final Path PAGE = Path.of("..", "docs", "lifecycle.md");
  private static final String BEGIN = "<!-- retry table: written by RetryTableTest -->\n";
  private static final String END = "<!-- end of the retry table -->";

  @ParameterizedTest
  @EnumSource(ExitReason.class)
  void everyReasonOfTheTrainerHasARowThatAgreesWithIt(ExitReason reason) {
    RetryTable row = RetryTable.ofCode(reason.code());
    assertThat(row.reason()).contains(reason.conditionReason());
    boolean again = row.action(false) == Action.RETRY || row.action(false) == Action.RESUME;
    assertThat(again).isEqualTo(reason.retryable());
    assertThat(row.counts(false)).isEqualTo(reason.retryable());
    assertThat(row.counts(true)).isFalse();
  }

  @Test
  void aDisruptionIsNeverARunsOwnFault() {
    assertThat(RetryTable.values())
        .filteredOn(row -> row != RetryTable.SUCCESS)
        .allSatisfy(row -> assertThat(row.action(true)).isEqualTo(Action.RESUME));
    assertThat(RetryTable.ofCode(1)).isEqualTo(RetryTable.OTHER);
    assertThat(RetryTable.ofCode(137).action(false)).isEqualTo(Action.FAIL);
  }

  /** What Kubernetes' Job controller does with the rules, for every exit code. */
  @Test
  void theJobFollowsTheTable() {
    Job job = TrainerJob.of(Examples.resource(), Examples.TRAINER);
    assertThat(job.getSpec().getTemplate().getSpec().getRestartPolicy()).isEqualTo("Never");
    List<PodFailurePolicyRule> rules = job.getSpec().getPodFailurePolicy().getRules();
    for (int code = 1; code <= 255; code++) {
      for (boolean disrupted : new boolean[] {false, true}) {
        String expected =
            RetryTable.ofCode(code).action(disrupted) == Action.FAIL
                ? "FailJob"
                : RetryTable.ofCode(code).counts(disrupted) ? "Count" : "Ignore";
        assertThat(action(rules, code, disrupted)).as(code + " " + disrupted).isEqualTo(expected);
      }
    }
  }

  @Test
  void thePageHasTheTable() throws IOException {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    assertThat(begin).isGreaterThanOrEqualTo(BEGIN.length());
    if (Boolean.getBoolean("docs.write")) {
      Files.writeString(PAGE, page.substring(0, begin) + table() + page.substring(end));
    } else {
      assertThat(page.substring(begin, end)).isEqualTo(table());
    }
  }

  private static String action(List<PodFailurePolicyRule> rules, int code, boolean disrupted) {
    return rules.stream()
        .filter(
            rule ->
                rule.getOnExitCodes() == null
                    ? disrupted
                    : rule.getOnExitCodes().getValues().contains(code))
        .map(PodFailurePolicyRule::getAction)
        .findFirst()
        .orElse("Count");
  }

  private static String table() {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| the trainer ended with | exit code | then | with the pod condition `DisruptionTarget` |");
    lines.add("|---|---|---|---|");
    Arrays.stream(RetryTable.values())
        .map(
            row ->
                "| %s | %s | %s | %s |"
                    .formatted(
                        row.reason().map(reason -> "`" + reason + "`").orElse(name(row)),
                        row.code().isPresent() ? row.code().getAsInt() : "any other",
                        cell(row, false),
                        cell(row, true)))
        .forEach(lines::add);
    return String.join("\n", lines) + "\n";
  }

  private static String name(RetryTable row) {
    return row == RetryTable.KILLED
        ? "SIGKILL: at the memory limit, after the grace period"
        : "anything else";
  }

  private static String cell(RetryTable row, boolean disrupted) {
    String action =
        switch (row.action(disrupted)) {
          case DONE -> "done";
          case RETRY -> "retry";
          case RESUME -> "resume";
          case FAIL -> "**fail**";
        };
    return row.action(disrupted) == Action.DONE || row.action(disrupted) == Action.FAIL
        ? action
        : action + (row.counts(disrupted) ? ", counted" : ", not counted");
  }
}
