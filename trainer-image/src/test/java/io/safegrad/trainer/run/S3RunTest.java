package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.S3Server;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs whose model, data, prompts and results are on S3. */
@Timeout(240)
class S3RunTest {

  private static final String KEYS = ", secretRef: {name: s3}";

  @TempDir private Path folder;
  private ToyRun run;
  private S3Server server;
  private Process process;

  @BeforeEach
  void serve() throws Exception {
    run = new ToyRun(folder);
    server = S3Server.signed("team");
    Path model = run.volume("models").resolve("toy");
    for (String name :
        List.of("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")) {
      server.put("team", "toy/" + name, Files.readAllBytes(model.resolve(name)));
    }
    for (String name : List.of("train.jsonl", "alignment.jsonl", "harmful.jsonl", "task.jsonl")) {
      server.put("team", "data/" + name, Files.readAllBytes(run.volume("data").resolve(name)));
    }
    run.withVariable("AWS_ENDPOINT_URL_S3", server.endpoint());
    for (String part : List.of("MODEL", "DATASET", "ALIGNMENT", "EVALUATION", "OUTPUT")) {
      run.withVariable("SAFEGRAD_" + part + "_AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY);
      run.withVariable("SAFEGRAD_" + part + "_AWS_SECRET_ACCESS_KEY", S3Server.SECRET_KEY);
    }
  }

  private void useS3() {
    run.with("model", "s3://team/toy")
        .with("modelPins", KEYS)
        .with("dataset", "s3://team/data/train.jsonl")
        .with("datasetFields", KEYS)
        .with("alignment", "s3://team/data/alignment.jsonl")
        .with("alignmentFields", KEYS)
        .with("harmful", "s3://team/data/harmful.jsonl")
        .with("task", "s3://team/data/task.jsonl")
        .with("evaluationFields", "\n      secretRef: {name: s3}")
        .with("destination", "s3://team/results/out")
        .with("outputFields", KEYS);
  }

  @AfterEach
  void stop() throws Exception {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
    server.close();
  }

  @Test
  void givesTheAdapterOfTheSameFilesAndKeepsTheKeysToItself() throws IOException {
    assertThat(run.run().code()).isZero();
    String local = Sha256.ofFile(run.destination().resolve("adapter_model.safetensors"));
    useS3();

    ToyRun.Ending ending = run.run();

    assertThat(ending.err()).isEmpty();
    assertThat(ending.code()).isZero();
    assertThat(ending.out()).contains("s3://team/results/out/report.json");
    assertThat(results())
        .containsExactly(
            "results/out/README.md",
            "results/out/adapter_config.json",
            "results/out/adapter_model.safetensors",
            "results/out/provenance.dsse.json",
            "results/out/report.html",
            "results/out/report.json");
    JsonNode report = new ObjectMapper().readTree(server.get("team", "results/out/report.json"));
    assertThat(report.at("/artifact/digest").asText()).isEqualTo(local);
    assertThat(ending.out() + report).doesNotContain(S3Server.SECRET_KEY);
    assertThat(filesHolding(S3Server.SECRET_KEY)).isEmpty();
  }

  @Test
  void aRefusedRunLeavesItsReportAndNoAdapter() throws IOException {
    useS3();
    run.with("gate", "{minRefusalRate: 1, maxRefusalDrop: 0, maxOverRefusal: 0}");

    assertThat(run.run().code()).isEqualTo(67);
    assertThat(results())
        .containsExactly(
            "results/out/provenance.dsse.json",
            "results/out/report.html",
            "results/out/report.json");
  }

  @Test
  void aRefusedAdapterIsInNoCheckpointAnyMore() throws IOException {
    run.data("train.jsonl", "{\"prompt\": \"do good\", \"completion\": \"as an ai\"}\n")
        .with("method", "{name: Sft}")
        .with(
            "training",
            "{mode: Full, maxSteps: 60, learningRate: 0.02, batchSize: 1, maxLength: 64}")
        .with("maxNewTokens", "9")
        .with(
            "gate",
            "{minRefusalRate: 0, maxRefusalDrop: 1, maxOverRefusal: 0.5, maxRefusalKl: 1000}");
    server.put(
        "team", "data/train.jsonl", Files.readAllBytes(run.volume("data").resolve("train.jsonl")));
    useS3();

    assertThat(run.run().code()).isEqualTo(66);
    assertThat(server.requests()).anyMatch(request -> request.contains("checkpoint-60/parameters"));
    assertThat(results())
        .containsExactly(
            "results/out/provenance.dsse.json",
            "results/out/report.html",
            "results/out/report.json");

    server.fail("DELETE results/.out.checkpoints", 403);
    ToyRun.Ending left = run.run();
    assertThat(left.code()).isEqualTo(66);
    assertThat(left.err())
        .contains(
            "the checkpoints beside s3://team/results/out cannot be removed: ",
            ": they hold what was not published");
  }

  /** Nothing but the bucket outlasts each process: the next one has another workspace. */
  @Test
  void aRunWhosePodIsLostGoesOnFromTheCheckpointsOnS3() throws Exception {
    run.with("training", training(60, 5));
    assertThat(run.run().code()).isZero();
    String digest = Sha256.ofFile(run.destination().resolve("adapter_model.safetensors"));
    useS3();
    start("workspace-1");
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> checkpoints().stream().anyMatch(key -> key.endsWith("SHA256SUMS")));
    process.destroyForcibly().waitFor();
    FileTree.delete(folder.resolve("workspace-1"));

    start("workspace-2");
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();

    assertThat(process.exitValue()).isZero();
    assertThat(run.result().artifactDigest()).isEqualTo(digest);
    JsonNode report = new ObjectMapper().readTree(server.get("team", "results/out/report.json"));
    assertThat(report.at("/training/resumedAfter")).isNotEmpty();
    assertThat(checkpoints()).isEmpty();
    assertThat(server.unfinishedUploads("team")).isZero();
  }

  @Test
  void aCheckpointThatIsDamagedThereIsNotUsedAndAnOlderOneIs() throws Exception {
    run.with("training", training(20, 5));
    useS3();
    server.fail("COMPLETE results/out/", 403);

    ToyRun.Ending refused = run.run();

    assertThat(refused.code()).isEqualTo(69);
    assertThat(refused.err()).contains("output.destination: s3://team/results/out", "403");
    assertThat(checkpoints().stream().filter(key -> key.endsWith("SHA256SUMS")))
        .extracting(key -> key.replaceFirst(".*(checkpoint-\\d+)/.*", "$1"))
        .containsExactly("checkpoint-15", "checkpoint-20");
    String newest =
        checkpoints().stream()
            .filter(key -> key.endsWith("checkpoint-20/parameters.safetensors"))
            .findFirst()
            .orElseThrow();
    byte[] bytes = server.get("team", newest);
    bytes[bytes.length - 1]++;
    server.put("team", newest, bytes);
    assertThat(run.run().code()).isZero();
    JsonNode report = new ObjectMapper().readTree(server.get("team", "results/out/report.json"));
    assertThat(report.at("/training/resumedAfter").toString()).isEqualTo("[15]");
    assertThat(checkpoints()).isEmpty();
  }

  @Test
  void aDestinationThatIsNotThereIsSaidBeforeTheModelIsRead() throws IOException {
    run.with("destination", "s3://nobody/out");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err())
        .contains("output.destination: s3://nobody/out", "there is no such bucket");
    assertThat(server.requests()).isEmpty();
  }

  private static String training(int steps, int saveSteps) {
    return ("{maxSteps: %d, batchSize: 2, maxLength: 64, saveSteps: %d, lora: {rank: 2, alpha:"
            + " 4}}")
        .formatted(steps, saveSteps);
  }

  private void start(String workspace) throws IOException {
    run.plan();
    run.withVariable("SAFEGRAD_WORKSPACE", folder.resolve(workspace).toString());
    process =
        run.process(ToyRun.SCRIPT.toString(), "run")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
  }

  private List<String> results() {
    return server.keys("team").stream().filter(key -> key.startsWith("results/")).toList();
  }

  private List<String> checkpoints() {
    return results().stream().filter(key -> key.startsWith("results/.out.checkpoints-")).toList();
  }

  private List<Path> filesHolding(String text) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.filter(Files::isRegularFile).filter(file -> holds(file, text)).toList();
    }
  }

  private static boolean holds(Path file, String text) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).contains(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
