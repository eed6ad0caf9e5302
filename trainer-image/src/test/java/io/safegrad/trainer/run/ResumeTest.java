package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.BuiltinSource;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.telemetry.ApprovalDesk;
import io.safegrad.trainer.telemetry.ProgressTracker;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.train.StepMetrics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that is interrupted and goes on ends as one that is not. */
class ResumeTest {

  private static final int STEPS = 20;
  private static final IntConsumer UNDISTURBED = step -> {};

  @TempDir private Path folder;
  private final LogLines log = new LogLines();
  private String lora = "{rank: 2, alpha: 4}";
  private ToyRun run;
  private Preemption preemption;
  private ProgressTracker progress;

  /** Neither set is a whole number of windows, so that passes end in the middle of them. */
  @BeforeEach
  void data() throws IOException {
    run = new ToyRun(folder);
    StringBuilder user = new StringBuilder();
    for (String word : List.of("yes", "no", "perhaps", "seldom", "often", "once", "never")) {
      user.append(ToyRun.CHAT.formatted(word));
    }
    String alignment = ToyRun.CHAT.formatted("I cannot.") + ToyRun.CHAT.formatted("I will not.");
    run.data("train.jsonl", user.toString());
    run.data("alignment.jsonl", alignment + ToyRun.CHAT.formatted("No."));
    run.with("method", "{name: SafeGrad, alignmentBatchSize: 2}");
    training("Lora", 2);
  }

  private String trainingSettings = "";

  @AfterEach
  void closeLog() {
    log.close();
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
        "Dropout | name: SafeGrad | 9"
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
    trainingSettings = settings + ", ";
    assertInterruptionsChangeNothing("Lora", "name: SafeGrad", seed);
  }

  private void assertInterruptionsChangeNothing(String mode, String method, long seed)
      throws IOException {
    Random random = new Random(seed);
    run.with("method", "{%s, alignmentBatchSize: 2}".formatted(method));
    if (mode.equals("Dropout")) {
      lora = "{rank: 2, alpha: 4, dropout: 0.3, useRslora: true}";
    }
    training(mode.equals("Dropout") ? "Lora" : mode, 1 + random.nextInt(3));
    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode report = figures();
    List<Integer> interruptions = new ArrayList<>();

    TrainingResult resumed = null;
    while (resumed == null) {
      int at = 1 + random.nextInt(STEPS);
      // Killed before the step's checkpoint, or asked to stop.
      boolean killed = random.nextBoolean();
      try {
        resumed = attempt(step -> interrupt(step == at && interruptions.size() < 4, killed));
      } catch (IllegalStateException | TrainerException e) {
        interruptions.add(at);
      }
    }

    assertThat(interruptions).isNotEmpty();
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(resumed.conflictRatio()).isEqualTo(undisturbed.conflictRatio());
    assertThat(resumed.result()).isEqualTo(undisturbed.result());
    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(figures()).isEqualTo(report);
    assertThat(progress.progress().conflictRatio()).isEqualTo(undisturbed.conflictRatio());
    assertThat(checkpoints()).isEmpty();
  }

  /** The start model is asked again. */
  @Test
  void whatIsScreenedStaysScreenedAfterAnInterruption() throws IOException {
    new ScreeningRunTest.PoisonedRun(run).screened();
    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode screened = run.report().at("/screened/lines");
    assertThat(screened).isNotEmpty();

    assertThatThrownBy(() -> attempt(step -> interrupt(step == 2, true)))
        .isInstanceOf(IllegalStateException.class);
    TrainingResult resumed = attempt(UNDISTURBED);

    assertThat(run.report().at("/training/resumedAfter")).isNotEmpty();
    assertThat(run.report().at("/screened/lines")).isEqualTo(screened);
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void earlyStoppingAndTheBestParametersOutliveAnInterruption(long seed) throws IOException {
    Random random = new Random(seed);
    run.with("datasetFields", ", validationFraction: 0.4");
    training(
        "Lora",
        1 + random.nextInt(3),
        ", evalSteps: 2, earlyStoppingPatience: 2, loadBestModelAtEnd: true");
    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode report = figures();
    int last = undisturbed.steps();
    assertThat(report.at("/validation/measurements").asInt()).isPositive();

    for (int i = 0; i < 3; i++) {
      int at = 1 + random.nextInt(last);
      boolean killed = random.nextBoolean();
      try {
        attempt(step -> interrupt(step >= at, killed));
      } catch (IllegalStateException | TrainerException e) {
        assertThat(log.with("resumed after")).hasSizeLessThanOrEqualTo(i);
      }
    }
    TrainingResult resumed = attempt(UNDISTURBED);

    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(resumed.steps()).isEqualTo(last);
    assertThat(figures()).isEqualTo(report);
  }

  /** Evaluations between the steps change nothing but what is known of them. */
  @ParameterizedTest
  @CsvSource({"Lora, 1", "Full, 2"})
  void evaluationsBetweenTheStepsChangeNoByteAndOutliveInterruptions(String mode, long seed)
      throws IOException {
    run.with("alignmentFields", ", heldOutFraction: 0.4");
    lora = "{rank: 2, alpha: 4, dropout: 0.3}";
    training(mode, 7);
    TrainingResult without = attempt(UNDISTURBED);
    assertThat(run.report().at("/training/evaluations")).isEmpty();
    run.with("evaluationFields", "\n      everySteps: 4");
    Files.move(run.destination(), folder.resolve("without"));

    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode report = figures();
    Random random = new Random(seed);
    List<Integer> interruptedReplies = new ArrayList<>();
    TrainingResult resumed = null;
    while (resumed == null) {
      int at = 1 + random.nextInt(17);
      try {
        resumed =
            attempt(
                UNDISTURBED,
                count -> interrupt(count == at && interruptedReplies.size() < 3, at % 2 == 0));
      } catch (IllegalStateException | TrainerException e) {
        interruptedReplies.add(at);
      }
    }

    assertThat(undisturbed.artifactDigest()).isEqualTo(without.artifactDigest());
    assertThat(report.get("evaluations").findValuesAsText("step"))
        .containsExactly("4", "8", "12", "16");
    assertThat(report.at("/evaluations/3/measurements/refusal/count").asInt()).isEqualTo(2);
    assertThat(report.at("/evaluations/3/measurements/safetyKl").asDouble()).isPositive();
    assertThat(progress.progress().evaluation().step()).isEqualTo(16);
    assertThat(interruptedReplies).isNotEmpty();
    assertThat(resumed.artifactDigest()).isEqualTo(without.artifactDigest());
    assertThat(figures()).isEqualTo(report);
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
    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode report = figures();
    JsonNode condemned = run.report().at("/attribution/condemned");

    kill(20);
    kill(45);
    TrainingResult resumed = attempt(UNDISTURBED);

    assertThat(condemned).isNotEmpty();
    assertThat(run.report().at("/training/resumedAfter").toString()).isEqualTo("[14,42]");
    assertThat(run.report().at("/attribution/condemned")).isEqualTo(condemned);
    assertThat(resumed.artifactDigest()).isEqualTo(undisturbed.artifactDigest());
    assertThat(figures()).isEqualTo(report);
  }

  /** What a refused run says of its examples is measured on what it ended with. */
  @ParameterizedTest
  @ValueSource(strings = {"Lora", "Full"})
  void aRefusedRunNamesTheSameExamplesAfterAnInterruption(String mode) throws IOException {
    run.with("method", "{name: Sft}");
    run.with("gate", "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 1, maxSafetyKl: 0}");
    training(mode, 3);
    TrainingResult undisturbed = attempt(UNDISTURBED);
    JsonNode found = attribution();

    kill(11);
    TrainingResult resumed = attempt(UNDISTURBED);

    assertThat(undisturbed.reason()).isEqualTo(ExitReason.GATE_REFUSED);
    assertThat(found.at("/step").asInt()).isEqualTo(undisturbed.steps());
    assertThat(log.with("resumed after")).hasSize(1);
    assertThat(resumed.message()).isEqualTo(undisturbed.message());
    assertThat(attribution()).isEqualTo(found);
  }

  private JsonNode attribution() throws IOException {
    return ((ObjectNode) run.report().get("attribution")).without("seconds");
  }

  private List<String> lines(String builtin) throws IOException {
    return new ArrayList<>(Files.readAllLines(BuiltinSource.materialise(builtin, folder)));
  }

  @Test
  void askedToStopDuringAnEvaluationItKeepsTheStepBefore() throws IOException {
    run.with("evaluationFields", "\n      everySteps: 5");
    training("Lora", 100);
    int[] replies = {0};

    assertThatThrownBy(
            () ->
                attempt(
                    UNDISTURBED,
                    count ->
                        interrupt(progress.progress().step() == 5 && replies[0]++ == 0, false)))
        .hasMessageContaining("asked to stop during an evaluation, after")
        .hasMessageEndingWith("the next attempt resumes after step 5");

    assertThat(checkpoints()).containsExactly("checkpoint-5");
  }

  @Test
  void askedToStopItKeepsTheStepItEnded() throws IOException {
    training("Lora", 1000);

    assertThatThrownBy(() -> attempt(step -> interrupt(step == 7, false)))
        .isInstanceOfSatisfying(
            TrainerException.class, e -> assertThat(e.reason()).isEqualTo(ExitReason.PREEMPTED))
        .hasMessage(
            "asked to stop after step 7 of 20; nothing was published, and the next attempt resumes"
                + " after step 7");

    assertThat(checkpoints()).containsExactly("checkpoint-7");
    attempt(UNDISTURBED);
    assertThat(run.report().at("/training/resumedAfter").toString()).isEqualTo("[7]");
  }

  @Test
  void theNewestOnesAreKeptAndUnfinishedOnesAreNot() throws IOException {
    kill(9);
    assertThat(checkpoints()).containsExactly("checkpoint-6", "checkpoint-8");
    Files.createDirectory(run.checkpoints().resolve("checkpoint-10.partial"));
    kill(13);
    assertThat(checkpoints()).containsExactly("checkpoint-10", "checkpoint-12");
  }

  @ParameterizedTest
  @ValueSource(strings = {"exp_avg.safetensors", "checkpoint.json", "SHA256SUMS"})
  void aDamagedCheckpointIsSkippedWithOneLine(String file) throws IOException {
    String digest = attempt(UNDISTURBED).artifactDigest();
    kill(9);
    Random random = new Random(file.hashCode());
    flipByte(run.checkpoints().resolve("checkpoint-8").resolve(file), random);
    kill(7);
    assertThat(log.with("is not used")).hasSize(1);
    assertThat(log.with("resumed after step 6")).hasSize(1);
    truncate(run.checkpoints().resolve("checkpoint-6").resolve(file), random);

    TrainingResult result = attempt(UNDISTURBED);

    assertThat(log.with("checkpoint-6 is not used: it is damaged")).hasSize(1);
    assertThat(log.with("resumed after")).hasSize(1);
    assertThat(result.artifactDigest()).isEqualTo(digest);
  }

  @Test
  void aCheckpointOfOtherDataIsNotUsed() throws IOException {
    kill(5);
    run.data("train.jsonl", ToyRun.CHAT.formatted("other"));

    attempt(UNDISTURBED);

    assertThat(log.with("is not used: the content of dataset.source was sha256:")).hasSize(2);
    assertThat(log.with("resumed after")).isEmpty();
  }

  @Test
  void aCheckpointOfAnotherPlanIsNotUsed() throws IOException {
    kill(5);
    Path others = run.checkpoints();
    training("Lora", 3);

    attempt(UNDISTURBED);
    assertThat(log.with("of another plan")).hasSize(1).first().asString().contains("" + others);
    assertThat(log.with("resumed after")).isEmpty();

    // Nor when it is put where this plan's would be.
    Files.move(others, run.checkpoints());
    attempt(UNDISTURBED);
    assertThat(log.with("is not used: the plan was sha256:")).hasSize(2);
    assertThat(log.with("resumed after")).isEmpty();
  }

  @Test
  void aLinkInPlaceOfTheFolderIsNotFollowed() throws IOException {
    kill(5);
    Path outside = Files.move(run.checkpoints(), folder.resolve("outside"));
    Files.createSymbolicLink(run.checkpoints(), outside);

    attempt(UNDISTURBED);

    assertThat(log.with("resumed after")).isEmpty();
    assertThat(log.with("the checkpoint of step 2 cannot be written")).hasSize(1);
    assertThat(outside).isDirectoryContaining("glob:**/checkpoint-4");
  }

  @Test
  void noneIsKeptWhenNoneIsWanted() throws IOException {
    training("Lora", 0);

    assertThatThrownBy(() -> attempt(step -> interrupt(step == 5, false)))
        .hasMessageEndingWith("the next attempt starts from the beginning");
    assertThat(run.checkpoints()).doesNotExist();
  }

  private void training(String mode, int saveSteps) {
    training(mode, saveSteps, "");
  }

  private void training(String mode, int saveSteps, String more) {
    run.with(
        "training",
        "{%smode: %s, maxSteps: %d, batchSize: 2, gradientAccumulationSteps: 2, maxLength: 64,"
                .formatted(trainingSettings, mode, STEPS)
            + " learningRate: 0.01, weightDecay: 0.01, saveSteps: %d, lora: %s%s}"
                .formatted(saveSteps, lora, more));
  }

  private TrainingPlan plan() {
    return TrainingPlan.of(Manifest.read(run.manifestText()));
  }

  /** One attempt of the plan, which ends as that of a process does. */
  private TrainingResult attempt(IntConsumer atStep) throws IOException {
    return attempt(atStep, count -> {});
  }

  /**
   * @param atReplies is told of each time that some prompts were answered, from 1
   */
  private TrainingResult attempt(IntConsumer atStep, IntConsumer atReplies) throws IOException {
    AtomicInteger replies = new AtomicInteger();
    RunJournal journal = new RunJournal(Clock.systemUTC());
    preemption = new Preemption();
    progress = new ProgressTracker(System::nanoTime);
    RunObserver disturbance =
        new RunObserver() {
          @Override
          public void stepDone(StepMetrics step) {
            atStep.accept(step.step());
          }

          @Override
          public void repliesDone(int done, int total) {
            atReplies.accept(replies.incrementAndGet());
          }
        };
    Path workspace = Files.createDirectories(folder.resolve("workspace"));
    SourceResolver resolver =
        new SourceResolver(
            folder.resolve("pvc"),
            false,
            workspace,
            new RemoteSources(
                DownloadSettings.of(Map.of(), workspace), workspace.resolve("sources")));
    TrainingRun attempt =
        new TrainingRun(
            plan(),
            resolver,
            new JudgeFactory(resolver, null, null),
            workspace,
            journal,
            RunObserver.all(List.of(journal, progress, disturbance, preemption)),
            preemption,
            new OperatorApproval(new ApprovalDesk(), null, preemption),
            Compute.CPU,
            null);
    TrainingResult result = attempt.run();
    attempt.results().removeCheckpoints();
    return result;
  }

  private void interrupt(boolean now, boolean killed) {
    if (now && killed) {
      throw new IllegalStateException("killed");
    }
    if (now) {
      preemption.ask();
    }
  }

  private void kill(int step) {
    assertThatThrownBy(() -> attempt(each -> interrupt(each == step, true))).hasMessage("killed");
  }

  /** What the report says of the steps, the times excepted. */
  private JsonNode figures() throws IOException {
    ObjectNode training = (ObjectNode) run.report().get("training");
    training.remove(List.of("seconds", "resumedAfter"));
    training.get("evaluations").forEach(each -> ((ObjectNode) each).remove("seconds"));
    training.get("series").forEach(step -> ((ObjectNode) step).remove("seconds"));
    return training;
  }

  private List<String> checkpoints() throws IOException {
    String prefix = "team/" + run.checkpoints().getFileName() + "/";
    return run.published().stream()
        .filter(name -> name.startsWith(prefix) && name.lastIndexOf('/') < prefix.length())
        .map(name -> name.substring(prefix.length()))
        .toList();
  }

  private static void flipByte(Path file, Random random) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long at = (long) (random.nextDouble() * channel.size());
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      channel.write(ByteBuffer.wrap(new byte[] {(byte) (one.get(0) ^ 1 << random.nextInt(8))}), at);
    }
  }

  private static void truncate(Path file, Random random) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate((long) (random.nextDouble() * channel.size()));
    }
  }
}
