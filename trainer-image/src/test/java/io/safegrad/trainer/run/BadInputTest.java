package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each bad input ends with its own exit code and one sentence, and leaves nothing behind. */
class BadInputTest {

  @TempDir private Path folder;
  private ToyRun run;

  @BeforeEach
  void writeAGoodRun() throws IOException {
    run = new ToyRun(folder);
  }

  @Test
  void aManifestWithAnUnknownField() throws IOException {
    run.with("training", "{maxSteps: 3, learningrate: 1}");

    assertEndsWith(run.run(), ExitReason.BAD_PLAN, "training", "learningrate");
  }

  @Test
  void aPlanWithAnUnknownField() throws IOException {
    Files.writeString(run.plan(), "surprise: 1\n", java.nio.file.StandardOpenOption.APPEND);
    int code = new TrainerProcess(run.environment(), System.out, System.err).execute(null, null);

    assertThat(code).isEqualTo(64);
    assertThat(run.result().message()).contains("plan", "unknown field surprise", "expected");
  }

  @Test
  void aPlanThatWasAltered() throws IOException {
    Path plan = run.plan();
    Files.writeString(plan, Files.readString(plan).replace("maxSteps: 3", "maxSteps: 4"));
    int code = new TrainerProcess(run.environment(), System.out, System.err).execute(null, null);

    assertThat(code).isEqualTo(64);
    assertThat(run.result().message()).contains("plan: field digest does not match");
  }

  @Test
  void promptsThatAreNotThosePinned() throws IOException {
    String zeros = "sha256:" + "0".repeat(64);
    run.with("evaluationFields", "\n      harmlessDigest: \"%s\"".formatted(zeros));

    assertEndsWith(
        run.run(), ExitReason.BAD_DATA, "safety.evaluation.harmlessDigest", zeros, "expected");
  }

  @Test
  void aModelWithoutWeights() throws IOException {
    Files.delete(run.volume("models").resolve("toy/model.safetensors"));

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "model.safetensors", "expected");
  }

  @Test
  void aModelThatIsNotThere() throws IOException {
    run.with("model", "pvc://models/none");

    assertEndsWith(
        run.run(), ExitReason.SOURCE_UNAVAILABLE, "model.source: pvc://models/none does not exist");
  }

  @Test
  void aTruncatedModelFile() throws IOException {
    try (RandomAccessFile file =
        new RandomAccessFile(
            run.volume("models").resolve("toy/model.safetensors").toFile(), "rw")) {
      file.setLength(file.length() - 100);
    }

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "model.safetensors", "expected");
  }

  @Test
  void anArchitectureThatIsNotSupported() throws IOException {
    Path model = run.volume("models").resolve("toy");
    ToyModel.writeWithArchitecture(model, "GPT2LMHeadModel");
    // A GPT-2 may have its weights and its vocabulary in other files, too.
    Files.delete(model.resolve("model.safetensors"));
    Files.delete(model.resolve("tokenizer.json"));

    assertEndsWith(
        run.run(),
        ExitReason.BAD_PLAN,
        "toy/config.json: architecture \"GPT2LMHeadModel\"",
        "LlamaForCausalLM");
  }

  @Test
  void aDataSetWithABrokenLine() throws IOException {
    run.data("train.jsonl", ToyRun.CHAT.formatted("yes") + "{\"messages\": [secret\n");

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "pvc://data/train.jsonl:2");
  }

  @Test
  void anEmptyDataSet() throws IOException {
    run.data("train.jsonl", "");

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "pvc://data/train.jsonl", "expected");
  }

  @Test
  void anEmptyEvaluationSet() throws IOException {
    run.data("harmful.jsonl", "\n");

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "pvc://data/harmful.jsonl", "expected");
  }

  @Test
  void aResponseLongerThanTheLimit() throws IOException {
    run.data("train.jsonl", ToyRun.CHAT.formatted("secret".repeat(20)));

    assertEndsWith(
        run.run(),
        ExitReason.BAD_DATA,
        "pvc://data/train.jsonl:1",
        "longer than the limit",
        "training.maxLength");
  }

  @Test
  void aChatWithoutAnAssistantsTurn() throws IOException {
    run.data(
        "train.jsonl", "{\"messages\": [{\"role\": \"user\", \"content\": \"the secret\"}]}\n");

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "pvc://data/train.jsonl:1", "assistant");
  }

  @Test
  void aTaskWithoutReplies() throws IOException {
    run.data("task.jsonl", "{\"prompt\": \"the secret\"}\n");

    assertEndsWith(
        run.run(),
        ExitReason.BAD_DATA,
        "pvc://data/task.jsonl:1: expected a reply to compare with");
  }

  @Test
  void aLossThatIsNotANumber() throws IOException {
    ToyModel.writeWithoutNumbers(run.volume("models").resolve("toy"));

    assertEndsWith(run.run(), ExitReason.BAD_DATA, "step 1");
  }

  @Test
  void aDestinationThatCannotBeWritten() throws IOException {
    Files.writeString(run.volume("adapters").resolve("file"), "x");
    run.with("destination", "pvc://adapters/file/out");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err())
        .contains("output.destination: pvc://adapters/file/out cannot be written");
    assertThat(run.published()).containsExactly("file");
  }

  @Test
  void aDestinationThatLeavesItsClaim() throws IOException {
    run.with("destination", "pvc://adapters/../data");

    assertEndsWith(run.run(), ExitReason.BAD_PLAN, "output.destination", "leaves its claim");
  }

  @Test
  void aPortThatIsNone() throws IOException {
    ToyRun.Ending ending = run.run();
    assertThat(ending.code()).isZero();
    int code =
        new TrainerProcess(run.environment(), System.out, System.err)
            .execute(run.manifest(), 70000);

    assertThat(code).isEqualTo(64);
  }

  private void assertEndsWith(ToyRun.Ending ending, ExitReason reason, String... parts)
      throws IOException {
    assertThat(ending.err()).contains(parts).doesNotContain("secret");
    assertThat(ending.err().lines()).hasSize(1);
    assertThat(ending.code()).isEqualTo(reason.code());
    TrainingResult result = run.result();
    assertThat(result.reason()).isEqualTo(reason);
    assertThat(ending.err()).isEqualTo("safegrad-trainer: " + result.message() + "\n");
    assertThat(result.artifact()).isNull();
    assertThat(run.published()).isEmpty();
  }
}
