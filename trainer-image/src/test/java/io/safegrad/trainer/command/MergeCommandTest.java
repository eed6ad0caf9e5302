package io.safegrad.trainer.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.export.MergedWeights;
import io.safegrad.trainer.export.Models;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import io.safegrad.trainer.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MergeCommandTest {

  private static final String MODEL = GoldenFiles.path("toy-llama").toString();
  private static final String ADAPTER = GoldenFiles.path("peft-adapter").toString();
  private static final int[] TEXT = {1, 70, 71, 200, 33, 9, 2};

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "float32, 5GB, model.safetensors, 1e-6",
    "float32, 60KB, model-00002-of-00003.safetensors, 1e-6",
    "bfloat16, 5GB, model.safetensors, 2e-2",
    "float16, 5GB, model.safetensors, 3e-3",
  })
  void theMergedDirectoryIsTheModelWithItsAdapter(
      String dtype, String shardSize, String file, double tolerance) throws IOException {
    Path output = folder.resolve("merged");

    CommandRun run =
        CommandRun.of(
            "merge",
            "--model",
            MODEL,
            "--adapter",
            ADAPTER,
            "--output",
            output.toString(),
            "--dtype",
            dtype,
            "--max-shard-size",
            shardSize);

    assertThat(run).isEqualTo(new CommandRun(0, "written: " + output + "\n", ""));
    assertThat(output.resolve(file)).exists();
    float[] expected = logitsWithAdapter();
    assertThat(Models.difference(expected, logits(output))).isLessThan(tolerance);
    assertThat(Models.difference(expected, logits(Path.of(MODEL)))).isGreaterThan(0.05);
    assertThat(folder.toFile().list()).containsExactly("merged");
  }

  @ParameterizedTest
  @CsvSource({"float32, 1e-6", "float16, 3e-3", "bfloat16, 2e-2", "q8_0, 3e-2"})
  void soIsTheMergedGguf(String dtype, double tolerance) throws IOException {
    Path output = folder.resolve("merged.gguf");

    CommandRun run =
        CommandRun.of(
            "merge",
            "--model",
            MODEL,
            "--adapter",
            ADAPTER,
            "--output",
            output.toString(),
            "--dtype",
            dtype);

    assertThat(run).isEqualTo(new CommandRun(0, "written: " + output + "\n", ""));
    assertThat(Models.difference(logitsWithAdapter(), logits(output))).isLessThan(tolerance);
    assertThat(folder.toFile().list()).containsExactly("merged.gguf");
  }

  @Test
  void theModelsOwnTypeIsKept() {
    Path merged = folder.resolve("merged");
    Path half = folder.resolve("half");

    CommandRun.of("merge", "--model", MODEL, "--output", half.toString(), "--dtype", "bfloat16");
    CommandRun run = CommandRun.of("merge", "--model", half + "", "--output", merged.toString());

    assertThat(run.code()).isZero();
    assertThat(merged.resolve("model.safetensors"))
        .hasSameBinaryContentAs(half.resolve("model.safetensors"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "64 ~ --output X --model M --dtype int3 ~ Invalid value for option '--dtype'",
        "64 ~ --output X --model M --dtype q8_0 ~ --dtype: q8_0 is for GGUF; expected an --output",
        "64 ~ --output X --model M --max-shard-size 0 ~ --max-shard-size: expected a number of KB,",
        "64 ~ --output X ~ Missing required option: '--model=MODEL'",
        "64 ~ --output X --model M --adaptor A ~ Unknown options: '--adaptor',",
        "64 ~ --output there --model M ~ --output: there is there already; expected a new name",
        "64 ~ --output no/X --model M ~ --output: expected a writable folder at",
        "64 ~ --output X --model M --revision main ~ model.revision: only an hf:// source has one",
        "64 ~ --output X --model ftp://x/y ~ model.source: ftp://x/y is not supported",
        "69 ~ --output X --model M --adapter no ~ --adapter: there is no directory no",
        "65 ~ --output X --model Q --adapter A ~ the adapter does not belong to this model",
        "69 ~ --output X --model no ~ no: expected a model directory or a .gguf file",
        "69 ~ --output X --model pvc://claim/no ~ model.source: pvc://claim/no does not exist",
      })
  void badInputGetsOneErrorAndLeavesNothing(int code, String line, String message)
      throws IOException {
    Files.writeString(folder.resolve("there"), "mine");
    String[] arguments = ("merge " + line).split(" ");
    for (int i = 1; i < arguments.length; i++) {
      arguments[i] =
          switch (arguments[i]) {
            case "X", "there", "no/X" -> folder.resolve(arguments[i]).toString();
            case "M" -> MODEL;
            case "A" -> ADAPTER;
            case "Q" -> GoldenFiles.path("toy-qwen3.gguf").toString();
            default -> arguments[i];
          };
    }

    CommandRun run = CommandRun.of(arguments);

    assertThat(run.code()).as(run.err()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().replace(folder + "/", "")).startsWith("safegrad-trainer: " + message);
    assertThat(run.err().lines().filter(each -> each.startsWith("safegrad-trainer"))).hasSize(1);
    assertThat(folder.toFile().list()).containsExactly("there");
  }

  private static float[] logitsWithAdapter() throws IOException {
    try (PretrainedModel start = PretrainedModel.open(Path.of(MODEL));
        Weights merged = MergedWeights.of(start.weights(), PeftAdapter.read(Path.of(ADAPTER)));
        CausalLm model = CausalLm.load(ModelConfig.of(start.config()), merged)) {
      return Models.logits(model, TEXT);
    }
  }

  private static float[] logits(Path path) {
    try (PretrainedModel start = PretrainedModel.open(path);
        CausalLm model = CausalLm.load(ModelConfig.of(start.config()), start.weights())) {
      return Models.logits(model, TEXT);
    }
  }
}
