package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.source.BuiltinSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that is interrupted and goes on ends as one that is not. */
class ResumeTest {

  @TempDir private Path folder;
  private InterruptedRun attempts;
  private ToyRun run;

  @BeforeEach
  void prepare() throws IOException {
    attempts = new InterruptedRun(folder);
    run = attempts.toy();
  }

  @AfterEach
  void closeLog() {
    attempts.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Lora | name: SafeGrad | 1",
        "Lora | name: SafeGrad | 2",
        "Lora | name: Sft | 3",
        "Full | name: SafeGrad | 4",
        "Lora | name: SafeGrad, alignmentRefreshSteps: 3, projectionScope: PerLayer | 5",
        "Lora | name: Lisa, lisa: {alignmentSteps: 2, userSteps: 3} | 6",
        "Full | name: Lisa, lisa: {alignmentSteps: 2, userSteps: 3} | 7",
        "Lora | name: Spag, spag: {threshold: 0.1} | 8",
        "Dropout | name: SafeGrad | 9",
        "Lora | name: SafeGrad, alignmentHistorySize: 3 | 12",
        "Full | name: SafeGrad, alignmentHistorySize: 2, projectionScope: PerLayer | 13",
        "Lora | name: SafeGrad, alignmentHistorySize: 1 | 14",
        "Lora | name: SafeGrad, alignmentHistorySize: 2, alignmentRefreshSteps: 2 | 15"
      })
  void interruptedAtRandomStepsItGivesTheSameAdapterAndTheSameFigures(
      String mode, String method, long seed) throws IOException {
    assertInterruptionsChangeNothing(mode, method, seed);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "packing: true | 9",
        "groupByLength: true | 10",
        "packing: true, groupByLength: true | 11"
      })
  void packedOrGroupedByLengthTheyDoNotEither(String settings, long seed) throws IOException {
    attempts.withSettings(settings);
    assertInterruptionsChangeNothing("Lora", "name: SafeGrad", seed);
  }

  private void assertInterruptionsChangeNothing(String mode, String method, long seed)
      throws IOException {
    Random random = new Random(seed);
    run.with("method", "{%s, alignmentBatchSize: 2}".formatted(method));
    if (mode.equals("Dropout")) {
      attempts.withLora("{rank: 2, alpha: 4, dropout: 0.3, useRslora: true}");
    }
    attempts.training(mode.equals("Dropout") ? "Lora" : mode, 1 + random.nextInt(3));
    TrainingResult undisturbed = attempts.attempt();
    JsonNode report = attempts.figures();
    List<Integer> interruptions = new ArrayList<>();

    TrainingResult resumed = null;
    while (resumed == null) {
      int at = 1 + random.nextInt(InterruptedRun.STEPS);
      // Killed before the step's checkpoint, or asked to stop.
      boolean killed = random.nextBoolean();
      try {
        resumed =
            attempts.attempt(
                step -> attempts.interrupt(step == at && interruptions.size() < 4, killed));
      } catch (IllegalStateException | TrainerException e) {
        interruptions.add(at);
      }
    }

    assertThat(interruptions).isNotEmpty();
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(resumed.conflictRatio()).isEqualTo(undisturbed.conflictRatio());
    assertThat(resumed.result()).isEqualTo(undisturbed.result());
    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(attempts.figures()).isEqualTo(report);
    assertThat(attempts.progress().conflictRatio()).isEqualTo(undisturbed.conflictRatio());
    assertThat(attempts.checkpoints()).isEmpty();
  }

  /** The start model is asked again. */
  @Test
  void whatIsScreenedStaysScreenedAfterAnInterruption() throws IOException {
    new ScreeningRunTest.PoisonedRun(run).screened();
    TrainingResult undisturbed = attempts.attempt();
    JsonNode screened = run.report().at("/screened/lines");
    assertThat(screened).isNotEmpty();

    assertThatThrownBy(() -> attempts.attempt(step -> attempts.interrupt(step == 2, true)))
        .isInstanceOf(IllegalStateException.class);
    TrainingResult resumed = attempts.attempt();

    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(run.report().at("/screened/lines")).isEqualTo(screened);
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
  }

  /** Before the checkpoint's weights are the model's. */
  @Test
  void whatTheStartModelRefusesIsAskedOfItAgainAfterAnInterruption() throws IOException {
    new ScreeningRunTest.PoisonedRun(run);
    run.with(
        "gate",
        "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxRefusalKl: 1000, maxDataRefusalDrop: 1,"
            + " maxTemplateRefusalDrop: 1}");
    TrainingResult undisturbed = attempts.attempt();
    assertThat(undisturbed.result().dataRefusal().startRefused()).isPositive();
    assertThat(undisturbed.result().templateRefusal().templates()).isPositive();

    assertThatThrownBy(() -> attempts.attempt(step -> attempts.interrupt(step == 2, true)))
        .isInstanceOf(IllegalStateException.class);
    TrainingResult resumed = attempts.attempt();

    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(resumed.result()).isEqualTo(undisturbed.result());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void earlyStoppingAndTheBestParametersOutliveAnInterruption(long seed) throws IOException {
    Random random = new Random(seed);
    run.with("datasetFields", ", validationFraction: 0.4");
    attempts.training(
        "Lora",
        1 + random.nextInt(3),
        ", evalSteps: 2, earlyStoppingPatience: 2, loadBestModelAtEnd: true");
    TrainingResult undisturbed = attempts.attempt();
    JsonNode report = attempts.figures();
    int last = undisturbed.steps();
    assertThat(report.at("/validation/measurements").asInt()).isPositive();

    for (int i = 0; i < 3; i++) {
      int at = 1 + random.nextInt(last);
      boolean killed = random.nextBoolean();
      try {
        attempts.attempt(step -> attempts.interrupt(step >= at, killed));
      } catch (IllegalStateException | TrainerException e) {
        assertThat(attempts.logged("resumed after")).hasSizeLessThanOrEqualTo(i);
      }
    }
    TrainingResult resumed = attempts.attempt();

    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(resumed.steps()).isEqualTo(last);
    assertThat(attempts.figures()).isEqualTo(report);
  }

  /** Evaluations between the steps change nothing but what is known of them. */
  @ParameterizedTest
  @CsvSource({"Lora, 1", "Full, 2"})
  void evaluationsBetweenTheStepsChangeNoByteAndOutliveInterruptions(String mode, long seed)
      throws IOException {
    run.with("alignmentFields", ", heldOutFraction: 0.4");
    attempts.withLora("{rank: 2, alpha: 4, dropout: 0.3}");
    attempts.training(mode, 7);
    TrainingResult without = attempts.attempt();
    assertThat(run.report().at("/training/evaluations")).isEmpty();
    run.with("evaluationFields", "\n      everySteps: 4");
    Files.move(run.destination(), folder.resolve("without"));

    TrainingResult undisturbed = attempts.attempt();
    JsonNode report = attempts.figures();
    Random random = new Random(seed);
    List<Integer> interruptedReplies = new ArrayList<>();
    TrainingResult resumed = null;
    while (resumed == null) {
      int at = 1 + random.nextInt(17);
      try {
        resumed =
            attempts.attempt(
                step -> {},
                count ->
                    attempts.interrupt(count == at && interruptedReplies.size() < 3, at % 2 == 0));
      } catch (IllegalStateException | TrainerException e) {
        interruptedReplies.add(at);
      }
    }

    assertThat(undisturbed.artifactDigest()).isEqualTo(without.artifactDigest());
    assertThat(report.get("evaluations").findValuesAsText("step"))
        .containsExactly("4", "8", "12", "16");
    assertThat(report.at("/evaluations/3/measurements/refusal/count").asInt()).isEqualTo(2);
    assertThat(report.at("/evaluations/3/measurements/safetyKl").asDouble()).isPositive();
    assertThat(attempts.progress().evaluation().step()).isEqualTo(16);
    assertThat(interruptedReplies).isNotEmpty();
    assertThat(resumed.artifactDigest()).isEqualTo(without.artifactDigest());
    assertThat(attempts.figures()).isEqualTo(report);
  }

  /** Killed before attribution, and after it. */
  @Test
  void examplesThatAreDroppedStayDroppedAfterAnInterruption() throws IOException {
    List<String> user = lines("sentiment").subList(0, 60);
    List<String> harmful = lines("sentiment-poisoned-100");
    for (int line = 5; line < 60; line += 10) {
      user.set(line, harmful.get(line));
    }
    run.data("train.jsonl", String.join("\n", user));
    run.data("alignment.jsonl", String.join("\n", lines("alignment").subList(0, 64)));
    run.with("model", "builtin://tiny-aligned");
    run.with("method", "{name: SafeGrad, alignmentBatchSize: 8, onConflict: Drop}");
    run.with(
        "training",
        "{maxSteps: 60, batchSize: 8, maxLength: 128, learningRate: 3e-3, saveSteps: 7}");
    TrainingResult undisturbed = attempts.attempt();
    JsonNode report = attempts.figures();
    JsonNode condemned = run.report().at("/attribution/condemned");

    attempts.kill(20);
    attempts.kill(45);
    TrainingResult resumed = attempts.attempt();

    assertThat(condemned).isNotEmpty();
    assertThat(run.report().at("/training/resumedAfter").toString()).isEqualTo("[14,42]");
    assertThat(run.report().at("/attribution/condemned")).isEqualTo(condemned);
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(attempts.figures()).isEqualTo(report);
  }

  /** What a refused run says of its examples is measured on what it ended with. */
  @ParameterizedTest
  @ValueSource(strings = {"Lora", "Full"})
  void aRefusedRunNamesTheSameExamplesAfterAnInterruption(String mode) throws IOException {
    run.with("method", "{name: Sft}");
    run.with(
        "gate",
        "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 0, maxRefusalKl: 1000, compare: ConfidenceBound}");
    attempts.training(mode, 3);
    TrainingResult undisturbed = attempts.attempt();
    JsonNode found = attribution();

    attempts.kill(11);
    TrainingResult resumed = attempts.attempt();

    assertThat(undisturbed.reason()).isEqualTo(ExitReason.GATE_REFUSED);
    assertThat(found.at("/step").asInt()).isEqualTo(undisturbed.steps());
    assertThat(attempts.logged("resumed after")).hasSize(1);
    assertThat(resumed.message()).isEqualTo(undisturbed.message());
    assertThat(attribution()).isEqualTo(found);
  }

  /** Where all of it is trained, the start model is gone when its refusals are compared. */
  @ParameterizedTest
  @ValueSource(strings = {"Lora", "Full"})
  void theStartModelsRefusalsAreComparedAfterAnInterruptionToo(String mode) throws IOException {
    run.data("harmful.jsonl", String.join("\n", lines("evaluation-harmful").subList(0, 8)));
    run.with("model", "builtin://tiny-aligned").with("method", "{name: Sft}");
    attempts.training(mode, 3);
    TrainingResult undisturbed = attempts.attempt();

    attempts.kill(11);
    TrainingResult resumed = attempts.attempt();

    assertThat(undisturbed.baseline().refusalKl()).isZero();
    assertThat(undisturbed.result().refusalKl()).isPositive();
    assertThat(attempts.logged("resumed after")).hasSize(1);
    assertThat(resumed.result()).isEqualTo(undisturbed.result());
  }

  private JsonNode attribution() throws IOException {
    return ((ObjectNode) run.report().get("attribution")).without("seconds");
  }

  private List<String> lines(String builtin) throws IOException {
    return new ArrayList<>(Files.readAllLines(BuiltinSource.materialise(builtin, folder)));
  }
}
