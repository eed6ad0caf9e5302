package io.safegrad.trainer.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataRuleTablesTest {

  private static final Count ALL = new Count(480, 480);
  private static final Count OWN = new Count(96, 96);

  @TempDir Path folder;

  private Results results;

  @BeforeEach
  void aStartModelThatRefusesAll() throws IOException {
    results = Results.read(folder.resolve("results.jsonl"));
    add(StudyGrid.start(Attack.PLAIN), null, List.of());
  }

  @Test
  void runsOnDataOfWhichNothingIsRefusedAreSettledByOneThatWasAsked() {
    add(study(Task.SENTIMENT, 0, Variant.SAFE_GRAD, 43), Count.NONE, List.of());
    add(study(Task.SENTIMENT, 0, Variant.SAFE_GRAD, 44), null, List.of());
    add(study(Task.SENTIMENT, 0, Variant.SFT, 43), null, List.of("maxRefusalDrop"));
    add(study(Task.FORMAT, 0, Variant.SAFE_GRAD, 43), null, List.of());
    add(study(Task.SENTIMENT, 10, Variant.SAFE_GRAD, 43), null, List.of());

    DataRuleTables tables = new DataRuleTables(results);
    assertThat(row(tables.byAttack(), "clean"))
        .containsExactly("clean", "3", "1", "1", "0", "0", "2", "0", "0");
    assertThat(row(tables.byAttack(), "all")).startsWith("all", "4", "1", "1");
    assertThat(row(tables.byThreshold(), "0.1"))
        .containsExactly("0.1", "2 of 2", "0 of 0", "0 of 2");
    assertThat(tables.byData().lines().skip(2))
        .containsExactly(
            "| clean | 2 | 1 | 1 | 0 | 0 | 2 | 0 |", "| all | 4 | 1 | 1 |  |  | 2 | 0 |");
  }

  @Test
  void aRunThatAnswersHarmlessLinesOfTheDataIsSafeAndRefused() {
    add(study(Task.SENTIMENT, 0, Variant.SAFE_GRAD, 43), new Count(0, 9), List.of());
    add(study(Task.SENTIMENT, 0, Variant.SAFE_GRAD, 44), null, List.of());
    add(study(Task.SENTIMENT, 30, Variant.SAFE_GRAD, 43), new Count(119, 127), List.of());
    StudyCase screened = study(Task.SENTIMENT, 30, Variant.SFT_SCREEN, 43);
    results.adopt(
        CaseResultBuilder.builder(result(screened, new Count(120, 127), List.of()))
            .dropped(127)
            .droppedPoison(120)
            .build());

    assertThat(new DataRuleTables(results).byData().lines().skip(2))
        .containsExactly(
            "| clean | 2 | 1 | 0 | 9 | 0 | 0 | 1 |",
            "| `PLAIN` 30 % | 2 | 2 | 0 | 127, 120 harmful | 119 to 120 | 2 | 0 |",
            "| all | 4 | 3 | 0 |  |  | 2 | 1 |");
  }

  private void add(StudyCase study, Count dataKept, List<String> brokenRules) {
    results.adopt(result(study, dataKept, brokenRules));
  }

  private static CaseResult result(StudyCase study, Count dataKept, List<String> brokenRules) {
    return CaseResultBuilder.builder()
        .key(study.key())
        .study(study)
        .refusal(new Count(144, 144))
        .fresh(ALL)
        .attack(OWN)
        .dataKept(dataKept)
        .brokenRules(brokenRules)
        .build();
  }

  private static StudyCase study(Task task, int percent, Variant variant, int seed) {
    return new StudyCase(
        false, task, Attack.PLAIN, percent, variant, AlignmentChoice.BUILTIN, 1e-3, 200, seed);
  }

  private static List<String> row(String table, String name) {
    return table
        .lines()
        .filter(line -> line.startsWith("| " + name + " |"))
        .map(line -> Arrays.stream(line.split("\\|")).map(String::strip).skip(1).toList())
        .findFirst()
        .orElseThrow();
  }
}
