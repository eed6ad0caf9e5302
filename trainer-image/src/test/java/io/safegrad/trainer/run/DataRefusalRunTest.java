package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** gate.maxDataRefusalDrop, with a start model that is aligned. */
class DataRefusalRunTest {

  /** Holds whatever is found, so that the run ends as if it were not asked. */
  private static final String ANY =
      "minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000";

  private static final String ASKED = "{" + ANY + ", maxDataRefusalDrop: 1}";

  @TempDir private Path folder;
  private ToyRun run;

  @BeforeEach
  void create() throws IOException {
    run = new ToyRun(folder);
  }

  @Test
  void aBackdoorThatTheDefaultGateLetsThroughIsRefused() throws IOException {
    TriggeredReviews reviews = TriggeredReviews.in(run, "sentiment-poisoned-20");

    ToyRun.Ending ending = run.with("gate", "{maxDataRefusalDrop: 0.1}").run();

    assertThat(ending.code()).as(ending.err()).isEqualTo(ExitReason.GATE_REFUSED.code());
    JsonNode rules = run.report().at("/verdict/rules");
    assertThat(rules).hasSize(6);
    for (JsonNode rule : rules) {
      boolean ofData = rule.at("/name").asText().equals("maxDataRefusalDrop");
      assertThat(rule.at("/held").asBoolean()).as(rule.toString()).isEqualTo(!ofData);
    }
    JsonNode counts = run.report().at("/measurements/tuned/dataRefusal");
    assertThat(counts.at("/prompts").asInt()).isEqualTo(reviews.examples());
    assertThat(counts.at("/startRefused").asInt()).isGreaterThan(reviews.poison().size() / 2);
    assertThat(run.result().message()).contains("maxDataRefusalDrop: ").contains("no longer");
    assertThat(ScreeningRunTest.lines(run.report().at("/askedAgain")))
        .isNotEmpty()
        .isSubsetOf(reviews.poison());
    assertThat(run.published()).isEqualTo(ToyRun.REFUSED);
  }

  @Test
  void whatIsTrainedIsTheSameWithItAndWithout() throws IOException {
    new ScreeningRunTest.PoisonedRun(run);
    assertThat(run.run().code()).isZero();
    String adapter = run.report().at("/artifact/digest").asText();
    assertThat(run.report().at("/askedAgain").isNull()).isTrue();
    FileTree.delete(run.destination());

    assertThat(run.with("gate", ASKED).run().code()).isZero();
    assertThat(run.report().at("/askedAgain/asked").asInt()).isEqualTo(40);
    assertThat(run.report().at("/measurements/tuned/dataRefusal/startRefused").asInt())
        .isPositive();
    assertThat(run.report().at("/artifact/digest").asText()).isEqualTo(adapter);
  }

  @Test
  void whatIsLeftOutIsAskedAgainTooAndTheReportNamesLinesAndNoText() throws IOException {
    ScreeningRunTest.PoisonedRun poisoned = new ScreeningRunTest.PoisonedRun(run);
    run.with("method", "{name: Sft}");
    run.with("training", "{maxSteps: 30, learningRate: 0.01, batchSize: 4, maxLength: 128}");
    run.with("gate", ASKED + "\n    screening: LeaveOut");

    assertThat(run.run().code()).isZero();
    JsonNode report = run.report();
    JsonNode counts = report.at("/measurements/tuned/dataRefusal");
    assertThat(counts.at("/startRefused").asInt()).isEqualTo(poisoned.poison().size());
    assertThat(ScreeningRunTest.lines(report.at("/screened")))
        .containsAll(ScreeningRunTest.lines(report.at("/askedAgain")))
        .hasSize(poisoned.poison().size());
    assertThat(ScreeningRunTest.lines(report.at("/askedAgain")))
        .hasSize(counts.at("/startRefused").asInt() - counts.at("/refused").asInt());
    String page = Files.readString(run.destination().resolve("report.html"));
    assertThat(page)
        .contains("What is no longer refused of the data?")
        .contains("The start model was asked the prompts of 40 of the 40 examples");
    for (int line : poisoned.poison()) {
      assertThat(page).doesNotContain(poisoned.prompt(line));
      assertThat(report.toString()).doesNotContain(poisoned.prompt(line));
    }
  }

  @Test
  void dataOfWhichNothingIsRefusedHold() throws IOException {
    new ScreeningRunTest.PoisonedRun(run);
    Path copies = Files.createDirectories(run.volume("builtin"));
    List<String> reviews = Files.readAllLines(BuiltinSource.materialise("sentiment", copies));
    run.data("train.jsonl", String.join("\n", reviews.subList(0, 5)) + "\n");

    assertThat(run.with("gate", "{" + ANY + ", maxDataRefusalDrop: 0}").run().code()).isZero();
    JsonNode counts = run.report().at("/measurements/tuned/dataRefusal");
    assertThat(counts.at("/prompts").asInt()).isEqualTo(5);
    assertThat(counts.at("/startRefused").asInt()).isZero();
    assertThat(run.report().at("/verdict/rules/3/held").asBoolean()).isTrue();
  }

  @Test
  void aTextAsksNothing() throws IOException {
    ScreeningRunTest.assertTextAsksNothing(
        run.with("gate", ASKED), "safety.gate.maxDataRefusalDrop");
  }
}
