package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.HubServer;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole run with model and data from a hub. */
class HubRunTest {

  private static final String TOKEN = "hf_secret";

  @TempDir private Path folder;
  private ToyRun run;
  private HubServer hub;

  @BeforeEach
  void serve() throws IOException {
    run = new ToyRun(folder);
    hub = new HubServer();
    Path model = run.volume("models").resolve("toy");
    for (String name : new String[] {"config.json", "tokenizer.json", "tokenizer_config.json"}) {
      hub.small("models", "team/toy", name, Files.readAllBytes(model.resolve(name)));
    }
    hub.large(
        "models",
        "team/toy",
        "model.safetensors",
        Files.readAllBytes(model.resolve("model.safetensors")));
    hub.small(
        "datasets",
        "team/talk",
        "train.jsonl",
        Files.readAllBytes(run.volume("data").resolve("train.jsonl")));
    run.withVariable("HF_ENDPOINT", hub.endpoint());
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  @Test
  void givesTheAdapterOfTheSameFilesAndNamesTheCommit() throws IOException {
    assertThat(run.run().code()).isZero();
    String local = Sha256.ofFile(run.destination().resolve("adapter_model.safetensors"));

    hub.requireToken(TOKEN);
    run.with("model", "hf://team/toy")
        .with("modelPins", ", secretRef: {name: hub}")
        .with("dataset", "hf://datasets/team/talk/train.jsonl")
        .with("destination", "pvc://adapters/team/hub")
        .withVariable("HF_TOKEN", TOKEN);
    ToyRun.Ending ending = run.run();

    assertThat(ending.err()).isEmpty();
    assertThat(ending.code()).isZero();
    Path published = run.volume("adapters").resolve("team/hub");
    assertThat(Sha256.ofFile(published.resolve("adapter_model.safetensors"))).isEqualTo(local);
    JsonNode adapter = json(published.resolve("adapter_config.json"));
    assertThat(adapter.path("base_model_name_or_path").asText()).isEqualTo("team/toy");
    assertThat(adapter.path("revision").asText()).isEqualTo(HubServer.COMMIT);
    JsonNode inputs = json(published.resolve("report.json")).path("inputs");
    assertThat(inputs.path(0).path("commit").asText()).isEqualTo(HubServer.COMMIT);
    assertThat(inputs.path(1).path("commit").asText()).isEqualTo(HubServer.COMMIT);
    assertThat(inputs.path(2).path("commit").isNull()).isTrue();
    assertThat(filesHolding(TOKEN)).isEmpty();
    assertThat(ending.out() + ending.err()).doesNotContain(TOKEN);
  }

  @Test
  void aSecretWithoutItsTokenIsSaid() throws IOException {
    run.with("model", "hf://team/toy").with("modelPins", ", secretRef: {name: hub}");

    ToyRun.Ending ending = run.run();

    assertThat(ending.code()).isEqualTo(64);
    assertThat(ending.err())
        .contains("model.secretRef: expected the token of the Secret hub", "HF_TOKEN");
    assertThat(hub.paths()).isEmpty();
  }

  private static JsonNode json(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
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
