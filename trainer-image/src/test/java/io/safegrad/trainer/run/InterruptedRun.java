package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.telemetry.ApprovalDesk;
import io.safegrad.trainer.telemetry.ProgressTracker;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.train.StepMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Attempts of one toy run, each of which may be interrupted. */
final class InterruptedRun implements AutoCloseable {

  static final int STEPS = 20;

  private final Path folder;
  private final ToyRun toy;
  private final LogLines log = new LogLines();
  private String lora = "{rank: 2, alpha: 4}";
  private String settings = "";
  private Compute compute = Compute.CPU;
  private Preemption preemption;
  private ProgressTracker progress;

  /** Neither set is a whole number of windows, so that passes end in the middle of them. */
  InterruptedRun(Path folder) throws IOException {
    this.folder = folder;
    toy = new ToyRun(folder);
    StringBuilder user = new StringBuilder();
    for (String word : List.of("yes", "no", "perhaps", "seldom", "often", "once", "never")) {
      user.append(ToyRun.CHAT.formatted(word));
    }
    String alignment = ToyRun.CHAT.formatted("I cannot.") + ToyRun.CHAT.formatted("I will not.");
    toy.data("train.jsonl", user.toString());
    toy.data("alignment.jsonl", alignment + ToyRun.CHAT.formatted("No."));
    toy.with("method", "{name: SafeGrad, alignmentBatchSize: 2}");
    training("Lora", 2);
  }

  /** Its manifest, data and results. */
  ToyRun toy() {
    return toy;
  }

  /** The lines with a text in them that all attempts logged. */
  List<String> logged(String text) {
    return log.with(text);
  }

  /** What the last attempt told. */
  TrainingProgress progress() {
    return progress.progress();
  }

  /** Of the next manifest that {@link #training} writes. */
  void withLora(String fields) {
    lora = fields;
  }

  /** Further fields of the next manifest that {@link #training} writes. */
  void withSettings(String fields) {
    settings = ", " + fields;
  }

  /** Of the next attempts. */
  void on(Compute compute) {
    this.compute = compute;
  }

  /** Writes the manifest's {@code training} anew. */
  void training(String mode, int saveSteps) {
    training(mode, saveSteps, "");
  }

  void training(String mode, int saveSteps, String more) {
    toy.with(
        "training",
        "{mode: %s, maxSteps: %d, batchSize: 2, gradientAccumulationSteps: 2, maxLength: 64,"
                .formatted(mode, STEPS)
            + " learningRate: 0.01, weightDecay: 0.01, saveSteps: %d, lora: %s%s%s}"
                .formatted(saveSteps, lora, settings, more));
  }

  private TrainingPlan plan() {
    return TrainingPlan.of(Manifest.read(toy.manifestText()));
  }

  /** An attempt that nothing interrupts. */
  TrainingResult attempt() throws IOException {
    return attempt(step -> {});
  }

  /** One attempt of the plan, which ends as that of a process does. */
  TrainingResult attempt(IntConsumer atStep) throws IOException {
    return attempt(atStep, count -> {});
  }

  /**
   * @param atReplies is told of each time that some prompts were answered, from 1
   */
  TrainingResult attempt(IntConsumer atStep, IntConsumer atReplies) throws IOException {
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
            compute,
            null);
    TrainingResult result = attempt.run();
    attempt.results().removeCheckpoints();
    return result;
  }

  /** Ends the attempt now: as if killed, or asked to stop. */
  void interrupt(boolean now, boolean killed) {
    if (now && killed) {
      throw new IllegalStateException("killed");
    }
    if (now) {
      preemption.ask();
    }
  }

  /** An attempt that is killed at a step, before its checkpoint. */
  void kill(int step) {
    assertThatThrownBy(() -> attempt(each -> interrupt(each == step, true))).hasMessage("killed");
  }

  /** What the report says of the steps, the times excepted. */
  JsonNode figures() throws IOException {
    ObjectNode training = (ObjectNode) toy.report().get("training");
    training.remove(List.of("seconds", "resumedAfter"));
    training.get("evaluations").forEach(each -> ((ObjectNode) each).remove("seconds"));
    training.get("series").forEach(step -> ((ObjectNode) step).remove("seconds"));
    return training;
  }

  /** Names of the checkpoints that there are. */
  List<String> checkpoints() throws IOException {
    String prefix = "team/" + toy.checkpoints().getFileName() + "/";
    return toy.published().stream()
        .filter(name -> name.startsWith(prefix) && name.lastIndexOf('/') < prefix.length())
        .map(name -> name.substring(prefix.length()))
        .toList();
  }

  @Override
  public void close() {
    log.close();
  }
}
