package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerProcessTest {

  @TempDir private Path folder;

  @Test
  void aRunThatPassesItsGatePublishesTheAdapterAndTheReport() throws IOException {
    ToyRun run = new ToyRun(folder);

    ToyRun.Ending ending = run.run();

    assertThat(ending.err()).isEmpty();
    assertThat(ending.code()).isZero();
    assertThat(run.published())
        .contains(
            "team",
            "team/out",
            "team/out/README.md",
            "team/out/adapter_config.json",
            "team/out/adapter_model.safetensors",
            "team/out/report.json")
        .noneMatch(name -> name.contains(".tmp"));
    TrainingResult result = run.result();
    assertThat(result.reason()).isEqualTo(ExitReason.SUCCESS);
    assertThat(result.steps()).isEqualTo(3);
    assertThat(result.conflictRatio()).isBetween(0.0, 1.0);
    assertThat(result.artifact()).isEqualTo("pvc://adapters/team/out");
    assertThat(result.report()).isEqualTo("pvc://adapters/team/out/report.json");
    assertThat(result.artifactDigest())
        .isEqualTo(Sha256.ofFile(run.destination().resolve("adapter_model.safetensors")));
    assertThat(result.baseline().refusal().count()).isEqualTo(2);
    assertThat(result.result().taskAccuracy().count()).isEqualTo(1);
    assertThat(ending.out())
        .contains("the gate held", "start model", "tuned model", "over-refusal", "3 steps")
        .contains(run.destination().toString());
  }

  @Test
  void theReportSaysWhatWentInWhatWasMeasuredAndWhatCameOut() throws IOException {
    ToyRun run = new ToyRun(folder);
    run.run();

    JsonNode report = run.report();

    assertThat(report.fieldNames())
        .toIterable()
        .containsExactly(
            "schema",
            "run",
            "verdict",
            "measurements",
            "validation",
            "training",
            "screened",
            "askedAgain",
            "askedTemplates",
            "attribution",
            "artifact",
            "inputs",
            "plan",
            "environment",
            "memory",
            "seconds",
            "started",
            "finished");
    assertThat(report.at("/run").asText()).isEqualTo("team/toy");
    assertThat(report.at("/verdict/reason").asText()).isEqualTo("SUCCESS");
    assertThat(report.at("/plan/digest").asText()).isEqualTo(run.result().planDigest());
    assertThat(report.at("/plan/training/seed").asInt()).isEqualTo(43);
    assertThat(report.at("/measurements/tuned/refusal/high").isNumber()).isTrue();
    assertThat(report.at("/training/series")).hasSize(3);
    assertThat(report.at("/training/series/0/loss").asDouble())
        .isEqualTo(report.at("/training/firstLoss").asDouble());
    assertThat(report.at("/inputs").findValuesAsText("field"))
        .containsExactly(
            "model.source",
            "dataset.source",
            "safety.alignment.source",
            "safety.evaluation.judge",
            "safety.evaluation.harmful",
            "safety.evaluation.harmless",
            "safety.evaluation.task");
    assertThat(report.at("/inputs").findValuesAsText("digest"))
        .allMatch(digest -> digest.matches("sha256:[0-9a-f]{64}"));
    assertThat(report.at("/inputs/1/examples").asInt()).isEqualTo(3);
    assertThat(report.at("/environment/libtorch").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(report.at("/environment/threads").asInt()).isPositive();
    assertThat(report.at("/seconds").fieldNames())
        .toIterable()
        .containsExactly("preparing", "baseline_evaluation", "training", "final_evaluation");
    for (JsonNode file : report.at("/artifact/files")) {
      assertThat(Sha256.ofFile(run.destination().resolve(file.path("name").asText())))
          .isEqualTo(file.path("digest").asText());
    }
  }

  @Test
  void theSamePlanGivesTheSameAdapterByteForByte() throws IOException {
    ToyRun run = new ToyRun(folder);

    run.runPlan();
    String first = run.result().artifactDigest();
    assertThat(run.runPlan().code()).isZero();

    assertThat(first).startsWith("sha256:");
    assertThat(run.result().artifactDigest()).isEqualTo(first);
  }

  @Test
  void anotherSeedGivesAnotherAdapter() throws IOException {
    ToyRun run = new ToyRun(folder);
    run.runPlan();
    String first = run.result().artifactDigest();

    run.with(
            "training",
            "{seed: 44, maxSteps: 3, batchSize: 2, maxLength: 64, lora: {rank: 2, alpha: 4}}")
        .with("destination", "pvc://adapters/other");
    assertThat(run.runPlan().code()).isZero();

    assertThat(run.result().artifactDigest()).isNotEqualTo(first);
  }

  @Test
  void aStartModelThatIsNotAlignedEndsBeforeTraining() throws IOException {
    ToyRun run = new ToyRun(folder).with("gate", "{minRefusalRate: 0.9}");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(ExitReason.START_MODEL_NOT_ALIGNED.code());
    TrainingResult result = run.result();
    assertThat(result.reason()).isEqualTo(ExitReason.START_MODEL_NOT_ALIGNED);
    assertThat(result.message())
        .startsWith("nothing was trained: the start model is not aligned")
        .contains("it refused 0.0% [0.0, 65.8] of 2")
        .contains("at least 90.0% expected (gate.minRefusalRate)");
    assertThat(result.steps()).isZero();
    assertThat(result.result()).isNull();
    assertThat(result.artifact()).isNull();
    assertThat(run.published()).containsExactlyElementsOf(ToyRun.REFUSED);
    assertThat(run.report().at("/training").isNull()).isTrue();
    assertThat(ending.out()).contains("adapter", "none");
  }

  @Test
  void theMethodSftReadsNoAlignmentSetThatNobodyChose() throws IOException {
    ToyRun run = new ToyRun(folder).with("method", "{name: Sft}");
    run.with("alignment", "builtin://alignment");

    assertThat(run.run().code()).isZero();

    assertThat(run.report().at("/inputs").findValuesAsText("field"))
        .doesNotContain("safety.alignment.source");
    assertThat(run.result().conflictRatio()).isNull();
    assertThat(run.report().at("/training/series/0/alignmentLoss").isNull()).isTrue();
  }

  @Test
  void aWholeModelIsTrainedAndPublishedInFullMode() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with("training", "{mode: Full, maxSteps: 2, batchSize: 2, maxLength: 64}");

    ToyRun.Ending ending = run.run();

    assertThat(ending.err()).isEmpty();
    assertThat(run.published())
        .contains("team/out/config.json", "team/out/model.safetensors", "team/out/tokenizer.json");
    // What was published is a model: it is the start of another run.
    run.with("model", "pvc://adapters/team/out").with("destination", "pvc://adapters/next");
    assertThat(run.run().code()).isZero();
  }

  @Test
  void aGgufFileIsAStartModelToo() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with("model", "pvc://models/toy.gguf")
            .with("training", "{maxSteps: 1, batchSize: 2, maxLength: 256}");
    Path model = run.volume("models").resolve("toy.gguf");
    try (InputStream gguf = getClass().getResourceAsStream("/files/toy-qwen3.gguf")) {
      Files.copy(gguf, model);
    }

    assertThat(run.run().err()).isEmpty();
    assertThat(run.report().at("/inputs/0/digest").asText()).isEqualTo(Sha256.ofFile(model));
  }

  /** It would hold a GPU for hours and leave it idle. */
  @Test
  void whatItCannotUseOfItsPodEndsItBeforeAnythingIsRead() throws IOException {
    ToyRun run = new ToyRun(folder).withVariable("SAFEGRAD_DEVICES", "nvidia.com/gpu: 1");

    ToyRun.Ending ending = run.runPlan();

    assertThat(ending.code()).isEqualTo(64);
    assertThat(run.result().reason()).isEqualTo(ExitReason.BAD_PLAN);
    assertThat(run.result().message())
        .startsWith("spec.pod.resources: found nvidia.com/gpu: 1, and this trainer computes on");
    assertThat(run.published()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nvidia.com/gpu: 2", "amd.com/gpu: 1", "nvidia.com/gpu: 1, x.org/y: 1"})
  void whatThisTrainerCannotUseIsNotHeld(String promised) throws IOException {
    ToyRun run = new ToyRun(folder).withVariable("SAFEGRAD_DEVICES", promised);

    assertThat(run.runPlan().code()).isEqualTo(64);
    assertThat(run.result().message())
        .isEqualTo(
            "spec.pod.resources: found %s, and this trainer computes on one NVIDIA GPU or on the CPU; ask for one"
                .formatted(promised));
  }

  @Test
  void nothingIsLeftInATemporaryWorkspaceAndNoClaimIsNeededOnALaptop() throws IOException {
    ToyRun run = new ToyRun(folder).with("destination", "pvc://new-claim/out");

    assertThat(run.run().code()).isZero();

    assertThat(run.volume("new-claim").resolve("out/report.json")).exists();
    try (Stream<Path> left = Files.list(folder.resolve("workspace"))) {
      assertThat(left.toList()).isEqualTo(List.of());
    }
  }
}
