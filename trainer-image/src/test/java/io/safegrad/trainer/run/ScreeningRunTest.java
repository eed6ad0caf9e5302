package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** safety.screening, with a start model that is aligned. */
class ScreeningRunTest {

  @TempDir private Path folder;
  private PoisonedRun poisoned;

  /** A run of the built-in aligned model on 40 of the poisoned reviews. */
  static final class PoisonedRun {

    private static final int EXAMPLES = 40;
    private static final String GATE =
        "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000}";

    private final ToyRun run;
    private final List<String> lines;
    private final Set<Integer> poison;

    PoisonedRun(ToyRun run) throws IOException {
      this.run = run;
      Path copies = Files.createDirectories(run.volume("builtin"));
      String dataset = "sentiment-poisoned-10";
      lines = Files.readAllLines(BuiltinSource.materialise(dataset, copies)).subList(0, EXAMPLES);
      poison =
          PoisonedLines.of(dataset, copies).stream()
              .filter(line -> line <= EXAMPLES)
              .collect(Collectors.toSet());
      run.data("train.jsonl", String.join("\n", lines) + "\n");
      run.with("model", "builtin://tiny-aligned");
      run.with("method", "{name: SafeGrad, alignmentBatchSize: 1}");
      run.with("training", "{maxSteps: 3, batchSize: 2, maxLength: 128, saveSteps: 1}");
      run.with("maxNewTokens", "24").with("gate", GATE);
    }

    Set<Integer> poison() {
      return poison;
    }

    /** What a line asks, but for its end. */
    String prompt(int line) {
      return lines.get(line - 1).split("\"content\":\"?")[1].substring(0, 20);
    }

    ToyRun screened() {
      return run.with("gate", GATE + "\n    screening: LeaveOut");
    }
  }

  @BeforeEach
  void data() throws IOException {
    poisoned = new PoisonedRun(new ToyRun(folder));
  }

  @Test
  void whatTheStartModelRefusesIsLeftOutAndNamedByItsLines() throws IOException {
    assertThat(poisoned.poison).isNotEmpty();
    ToyRun run = poisoned.screened();

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).as(ending.err()).isZero();
    JsonNode screened = run.report().at("/screened");
    assertThat(screened.at("/examples").asInt()).isEqualTo(PoisonedRun.EXAMPLES);
    assertThat(screened.at("/aligned").asBoolean()).isTrue();
    assertThat(lines(screened)).isEqualTo(poisoned.poison.stream().sorted().toList());
    String words =
        "%d of 40 examples, whose prompts the start model refuses, were left out and keep the alignment instead"
            .formatted(poisoned.poison.size());
    assertThat(run.result().message())
        .isEqualTo("the gate held; the adapter is published; " + words);
    String page = Files.readString(run.destination().resolve("report.html"));
    assertThat(page).contains("Which examples does the start model refuse?", words);
    for (int line : poisoned.poison) {
      String prompt = poisoned.prompt(line);
      assertThat(page).doesNotContain(prompt);
      assertThat(run.report().toString()).doesNotContain(prompt);
    }
  }

  @Test
  void aMethodWithoutAnAlignmentSetIsTrainedWithoutThem() throws IOException {
    ToyRun run = poisoned.screened().with("method", "{name: Sft}");
    assertThat(run.run().code()).isZero();
    assertThat(run.report().at("/screened/aligned").asBoolean()).isFalse();
    String adapter = run.report().at("/artifact/digest").asText();
    FileTree.delete(run.destination());

    List<String> kept = new ArrayList<>(poisoned.lines);
    poisoned.poison.stream().sorted((a, b) -> b - a).forEach(line -> kept.remove(line - 1));
    run.data("train.jsonl", String.join("\n", kept) + "\n").with("gate", PoisonedRun.GATE);
    assertThat(run.run().code()).isZero();
    assertThat(run.report().at("/screened").isNull()).isTrue();
    assertThat(run.report().at("/artifact/digest").asText()).isEqualTo(adapter);
  }

  @Test
  void dataOfWhichNothingIsLeftIsRefused() throws IOException {
    ToyRun run = poisoned.screened();
    run.data("train.jsonl", poisoned.lines.get(poisoned.poison.iterator().next() - 1) + "\n");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(ExitReason.BAD_DATA.code());
    assertThat(ending.err())
        .contains("dataset.source: expected examples whose prompts the start model answers")
        .contains("found that it refuses all 1");
    assertThat(run.published()).doesNotContain("team/out");
  }

  @Test
  void aTextCannotBeScreened() throws IOException {
    assertTextAsksNothing(poisoned.screened(), "safety.screening: LeaveOut");
  }

  /** A run that asks the data's prompts ends at once where the data are texts. */
  static void assertTextAsksNothing(ToyRun run, String field) throws IOException {
    run.data("train.jsonl", "{\"text\": \"The film was good.\"}\n");

    ToyRun.Ending ending;
    try (LogLines log = new LogLines()) {
      ending = run.run();
      assertThat(log.with("stage BASELINE_EVALUATION")).as("before any time is spent").isEmpty();
    }

    assertThat(ending.code()).isEqualTo(ExitReason.BAD_DATA.code());
    assertThat(ending.err())
        .contains("dataset.source, line 1: expected a prompt and a reply")
        .contains("(" + field + "), found a text");
  }

  static List<Integer> lines(JsonNode screened) {
    List<Integer> lines = new ArrayList<>();
    screened.at("/lines").forEach(line -> lines.add(line.asInt()));
    return lines;
  }
}
