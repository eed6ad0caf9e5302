package io.safegrad.trainer.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InspectCommandTest {

  private static final Path QUICKSTART = Path.of("../deploy/examples/quickstart.yaml");

  @TempDir Path folder;

  @Test
  void aModelDirectory() throws IOException {
    JsonNode json = json(GoldenFiles.path("toy-llama"));

    assertThat(json.path("kind").asText()).isEqualTo("Hugging Face model directory");
    assertThat(json.path("architecture").asText()).isEqualTo("LlamaForCausalLM");
    assertThat(json.path("parameters").asLong()).isEqualTo(30_880);
    assertThat(json.path("types").toString()).isEqualTo("{\"F32\":30880}");
    assertThat(json.path("bytes").asLong())
        .isEqualTo(Files.size(GoldenFiles.path("toy-llama/model.safetensors")));
    assertThat(json.path("layers").asInt()).isEqualTo(2);
    assertThat(json.path("chatTemplate").asBoolean()).isTrue();
    assertThat(json.path("endTokens").toString()).isEqualTo("[2]");
  }

  @Test
  void aManifestWhoseRunFits() throws IOException {
    CommandRun run =
        CommandRun.of("inspect", "--json", "--manifest", quickstart("64Gi").toString());
    JsonNode json = new ObjectMapper().readTree(run.out());

    assertThat(run.code()).isZero();
    assertThat(json.path("run").asText()).isEqualTo("default/quickstart-safegrad");
    assertThat(json.path("fits").asBoolean()).isTrue();
    assertThat(json.path("problems")).isEmpty();
    assertThat(json.path("limit").asText()).isEqualTo("spec.pod.resources.limits.memory");
    assertThat(json.path("limitBytes").asLong()).isEqualTo(64L << 30);
    long parts = 0;
    for (JsonNode part : json.path("parts")) {
      parts += part.asLong();
    }
    assertThat(json.path("memoryEstimateBytes").asLong()).isEqualTo(parts).isPositive();
    assertThat(json.path("parts").path("weights").asLong()).isEqualTo(4 * 1_869_504);
    assertThat(json.path("parts").path("adapter").asLong()).isEqualTo(4 * 108_544);
    assertThat(json.path("parts").path("optimizer").asLong()).isEqualTo(8 * 108_544);
    assertThat(json.path("parts").path("gradients").asLong())
        .as("attribution, the peak, holds one besides the two of a step")
        .isEqualTo(12 * 108_544);
  }

  @Test
  void aManifestWhoseRunDoesNotFit() throws IOException {
    CommandRun run = CommandRun.of("inspect", "--manifest", quickstart("200Mi").toString());

    assertThat(run.code()).isEqualTo(ExitReason.OUT_OF_MEMORY.code());
    assertThat(run.out())
        .contains("kind                   manifest of a run\n", "fits                   false\n")
        .containsPattern(
            "PROBLEM +it is expected to need \\d+ MiB of memory, and"
                + " spec.pod.resources.limits.memory is 200 MiB; lower training.batchSize");
  }

  @Test
  void withoutALimitTheMachineSetsIt() throws IOException {
    CommandRun run = CommandRun.of("inspect", "--manifest", QUICKSTART.toString());

    assertThat(run.code()).isZero();
    assertThat(run.out())
        .containsPattern("limit +(the machine's memory|the container's memory limit)\n");
  }

  /** Long prompts, learned one at a time and asked 32 at a time. */
  @Test
  void whatIsAskedOfTheDataTakesMemoryToo() throws IOException {
    long unasked = memory("gate: {}");

    long asked = memory("gate: {maxDataRefusalDrop: 0.1}");
    assertThat(asked).isGreaterThan(unasked + (4 << 20));
    assertThat(memory("screening: LeaveOut")).isEqualTo(asked);
    assertThat(memory("gate: {maxTemplateRefusalDrop: 0.1}")).isGreaterThan(asked);
  }

  private long memory(String safety) throws IOException {
    String line =
        "{\"prompt\": \"%s\", \"completion\": \"Yes.\"}\n".formatted("It is. ".repeat(24));
    Path data = Files.writeString(folder.resolve("long.jsonl"), line.repeat(40));
    String manifest =
        Files.readString(QUICKSTART)
            .replace("builtin://sentiment-poisoned-10", data.toUri().toString())
            .replace("batchSize: 8", "batchSize: 1")
            .replace("{name: SafeGrad, alignmentBatchSize: 4}", "{name: Sft}")
            .replace(
                "evaluation: {task:",
                safety + "\n    attribution: {worstExamples: 0}\n    evaluation: {task:");
    Path file = Files.writeString(folder.resolve("manifest.yaml"), manifest);
    CommandRun run = CommandRun.of("inspect", "--json", "--manifest", file.toString());
    assertThat(run.code()).as(run.err()).isZero();
    return new ObjectMapper().readTree(run.out()).path("memoryEstimateBytes").asLong();
  }

  private Path quickstart(String limit) throws IOException {
    return Files.writeString(
        folder.resolve("manifest.yaml"),
        Files.readString(QUICKSTART)
            + "  pod: {resources: {limits: {memory: %s}}}\n".formatted(limit));
  }

  @Test
  void isShownAsATable() {
    CommandRun run = CommandRun.of("inspect", GoldenFiles.path("toy-llama-q8.gguf").toString());

    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(run.out())
        .contains(
            "kind               GGUF model\n",
            "gguf architecture  llama\n",
            "parameters         30,880\n",
            "types              F32 160, Q8_0 30,720\n",
            "architecture       LlamaForCausalLM\n",
            "chat template      true\n");
  }

  @Test
  void anAdapter() throws IOException {
    JsonNode json = json(GoldenFiles.path("peft-adapter"));

    assertThat(json.path("kind").asText()).isEqualTo("PEFT LoRA adapter");
    assertThat(json.path("baseModel").asText()).isEqualTo("org/toy-llama");
    assertThat(json.path("rank").asInt()).isEqualTo(4);
    assertThat(json.path("targetModules").toString()).isEqualTo("[\"down_proj\",\"q_proj\"]");
    assertThat(json.path("tensors").asInt()).isEqualTo(8);
  }

  @Test
  void aCheckpointWhoseFilesAreChecked() throws IOException {
    Files.copy(
        GoldenFiles.path("peft-adapter/adapter_model.safetensors"),
        folder.resolve("parameters.safetensors"));
    Files.writeString(
        folder.resolve("checkpoint.json"),
        "{\"steps\": 7, \"origin\": {\"plan\": \"sha256:1\", \"trainer\": \"0.1\"}}");
    StringBuilder sums = new StringBuilder();
    for (String name : new String[] {"checkpoint.json", "parameters.safetensors"}) {
      String digest = Sha256.ofFile(folder.resolve(name)).replace("sha256:", "");
      sums.append(digest).append("  ").append(name).append('\n');
    }
    Files.writeString(folder.resolve("SHA256SUMS"), sums);

    JsonNode json = json(folder);
    assertThat(json.path("kind").asText()).isEqualTo("checkpoint of a run");
    assertThat(json.path("steps").asInt()).isEqualTo(7);
    assertThat(json.path("plan").asText()).isEqualTo("sha256:1");

    Files.writeString(folder.resolve("SHA256SUMS"), sums.toString().replaceFirst("^.", "_"));
    CommandRun damaged = CommandRun.of("inspect", folder.toString());
    assertThat(damaged.code()).isEqualTo(65);
    assertThat(damaged.out()).contains("PROBLEM", "it is damaged");
  }

  @Test
  void aReport() throws IOException {
    Path report = folder.resolve("report.json");
    Files.writeString(
        report,
        "{\"schema\": \"safegrad.io/report/v1alpha1\", \"run\": \"a/b\","
            + " \"verdict\": {\"message\": \"the gate held\"}}");

    assertThat(json(report).path("run").asText()).isEqualTo("a/b");
    assertThat(json(folder).path("verdict").asText()).isEqualTo("the gate held");

    Files.writeString(report, Files.readString(report), StandardCharsets.UTF_16LE);
    CommandRun otherEncoding = CommandRun.of("inspect", report.toString());
    assertThat(otherEncoding.code()).isEqualTo(65);
    assertThat(otherEncoding.out()).contains("PROBLEM", "expected JSON");
  }

  @Test
  void valuesStandBelowOneAnother() {
    CommandRun run = CommandRun.of("inspect", GoldenFiles.path("toy-llama").toString());

    List<String> lines = run.out().lines().toList();
    int longest = lines.stream().mapToInt(line -> line.indexOf("  ")).max().orElseThrow();
    assertThat(lines)
        .allSatisfy(line -> assertThat(line.substring(longest, longest + 3)).matches("  \\S"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "toy-llama-bf16 ~ tokenizer.json: expected a JSON file, but there is none",
        "spm.gguf ~ attention_bias",
        "cut.gguf ~ is the file truncated?",
        "cut.safetensors ~ bytes, found",
      })
  void aProblemIsNamedAndTheRestIsShown(String name, String problem) throws IOException {
    Path path = folder.resolve(name);
    switch (name) {
      case "spm.gguf" -> Files.copy(GoldenFiles.path("toy-llama-spm.gguf"), path);
      case "cut.gguf" -> Files.write(path, half("toy-llama.gguf"));
      case "cut.safetensors" -> Files.write(path, half("toy-llama/model.safetensors"));
      default -> path = GoldenFiles.path(name);
    }

    CommandRun run = CommandRun.of("inspect", path.toString());

    assertThat(run.code()).isEqualTo(65);
    assertThat(run.err()).isEmpty();
    assertThat(run.out()).contains("path  ", "kind  ", "bytes  ", "PROBLEM  ").contains(problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "69 ~ nowhere ~ there is nothing at this path",
        "65 ~ notes.txt ~ it is nothing that this program knows; expected GGUF, safetensors or",
        "65 ~ other.json ~ it is nothing that this program knows; expected a report.json",
        "65 ~ empty ~ it is nothing that this program knows; expected config.json,",
      })
  void whatIsNotKnownIsSaid(int code, String name, String message) throws IOException {
    Files.writeString(folder.resolve("notes.txt"), "notes");
    Files.writeString(folder.resolve("other.json"), "{}");
    Files.createDirectory(folder.resolve("empty"));

    CommandRun run = CommandRun.of("inspect", folder.resolve(name).toString());

    assertThat(run.code()).isEqualTo(code);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("safegrad-trainer: " + folder.resolve(name) + ": " + message);
  }

  private static byte[] half(String name) throws IOException {
    byte[] bytes = Files.readAllBytes(GoldenFiles.path(name));
    return Arrays.copyOf(bytes, bytes.length / 2);
  }

  private static JsonNode json(Path path) throws IOException {
    CommandRun run = CommandRun.of("inspect", "--json", path.toString());
    assertThat(run.err()).isEmpty();
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.path("problems")).isEmpty();
    assertThat(run.code()).isZero();
    return json;
  }
}
