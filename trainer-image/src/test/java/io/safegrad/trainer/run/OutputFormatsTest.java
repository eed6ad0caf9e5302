package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.export.MergedWeights;
import io.safegrad.trainer.export.Models;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.model.ModelConfig;
import io.safegrad.trainer.source.Sha256;
import io.safegrad.trainer.weights.PeftAdapter;
import io.safegrad.trainer.weights.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFormatsTest {

  private static final int[] TEXT = {72, 105, 33, 10, 200, 7};

  @TempDir private Path folder;

  @Test
  void everyFormIsTheSameModelAndTheReportHasTheDigestOfEachFile() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with(
                "training",
                "{maxSteps: 3, batchSize: 2, maxLength: 64, learningRate: 0.01, lora: {rank: 2,"
                    + " alpha: 4}}")
            .with("outputFields", ", formats: [Adapter, Merged, GgufF16, GgufQ8_0]");

    assertThat(run.run().code()).isZero();

    Path out = run.destination();
    assertThat(files(out))
        .containsExactlyInAnyOrder(
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "gguf/toy-f16.gguf",
            "gguf/toy-q8_0.gguf",
            "merged/config.json",
            "merged/model.safetensors",
            "merged/tokenizer.json",
            "merged/tokenizer_config.json",
            "provenance.dsse.json",
            "report.html",
            "report.json");
    float[] start = logits(run.volume("models").resolve("toy"), null);
    float[] tuned = logits(run.volume("models").resolve("toy"), out);
    assertThat(Models.difference(tuned, start)).isGreaterThan(0.02);
    assertThat(Models.difference(tuned, logits(out.resolve("merged"), null))).isLessThan(1e-6);
    assertThat(Models.difference(tuned, logits(out.resolve("gguf/toy-f16.gguf"), null)))
        .isLessThan(2e-3);
    assertThat(Models.difference(tuned, logits(out.resolve("gguf/toy-q8_0.gguf"), null)))
        .isLessThan(2e-2);
    assertReportHasEachFile(run, out);
    assertThat(run.result().artifactDigest())
        .isEqualTo(Sha256.ofFile(out.resolve("adapter_model.safetensors")));
    assertThat(Files.readString(out.resolve("README.md")))
        .contains("# toy\n", "- gguf\n", run.report().at("/plan/digest").asText());
  }

  @Test
  void withoutTheAdapterTheDirectoryIsTheArtifact() throws IOException {
    ToyRun run = new ToyRun(folder).with("outputFields", ", formats: [GgufF16]");

    assertThat(run.run().code()).isZero();

    Path out = run.destination();
    assertThat(files(out))
        .containsExactlyInAnyOrder(
            "README.md", "gguf/toy-f16.gguf", "provenance.dsse.json", "report.html", "report.json");
    assertReportHasEachFile(run, out);
    Files.delete(out.resolve("README.md"));
    Files.delete(out.resolve("report.html"));
    Files.delete(out.resolve("report.json"));
    Files.delete(out.resolve("provenance.dsse.json"));
    assertThat(run.result().artifactDigest()).isEqualTo(Sha256.ofDirectory(out));
  }

  @Test
  void fullFineTuningHasTheSameForms() throws IOException {
    ToyRun run =
        new ToyRun(folder)
            .with("training", "{mode: Full, maxSteps: 1, batchSize: 2, maxLength: 64}")
            .with("outputFields", ", formats: [Adapter, GgufF16]");

    assertThat(run.run().code()).isZero();

    Path out = run.destination();
    assertThat(files(out)).contains("model.safetensors", "config.json", "gguf/toy-f16.gguf");
    assertThat(Models.difference(logits(out, null), logits(out.resolve("gguf/toy-f16.gguf"), null)))
        .isLessThan(2e-3);
  }

  @Test
  void aModelThatAFormCannotHoldIsRefusedBeforeTraining() throws IOException {
    ToyRun run = new ToyRun(folder).with("outputFields", ", formats: [Adapter, GgufF16]");
    Path tokenizer = run.volume("models").resolve("toy/tokenizer.json");
    Files.writeString(
        tokenizer,
        Files.readString(tokenizer)
            .replaceFirst("\"pre_tokenizer\":", "\"normalizer\":{\"type\":\"Lowercase\"},$0"));

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(ExitReason.BAD_PLAN.code());
    assertThat(ending.err())
        .contains(
            "tokenizer.json: this vocabulary cannot be written as GGUF: it normalises text by"
                + " Lowercase");
    assertThat(run.published()).isEmpty();
  }

  private static void assertReportHasEachFile(ToyRun run, Path out) throws IOException {
    List<String> reported =
        new ArrayList<>(List.of("provenance.dsse.json", "report.html", "report.json"));
    for (JsonNode file : run.report().at("/artifact/files")) {
      Path path = out.resolve(file.path("name").asText());
      assertThat(Sha256.ofFile(path)).isEqualTo(file.path("digest").asText());
      assertThat(Files.size(path)).isEqualTo(file.path("bytes").asLong());
      reported.add(file.path("name").asText());
    }
    assertThat(reported).containsExactlyInAnyOrderElementsOf(files(out));
  }

  private static List<String> files(Path root) throws IOException {
    try (Stream<Path> walk = Files.walk(root)) {
      return walk.filter(Files::isRegularFile).map(root::relativize).map(Path::toString).toList();
    }
  }

  /**
   * @param adapter null for none
   */
  private static float[] logits(Path path, Path adapter) {
    try (PretrainedModel model = PretrainedModel.open(path)) {
      if (adapter == null) {
        try (CausalLm loaded = CausalLm.load(ModelConfig.of(model.config()), model.weights())) {
          return Models.logits(loaded, TEXT);
        }
      }
      try (MergedWeights merged = MergedWeights.of(model.weights(), PeftAdapter.read(adapter));
          CausalLm loaded = CausalLm.load(ModelConfig.of(model.config()), merged)) {
        return Models.logits(loaded, TEXT);
      }
    }
  }
}
