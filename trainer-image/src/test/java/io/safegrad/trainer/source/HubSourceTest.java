package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.HubServer;
import io.safegrad.trainer.LoopbackServer;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubSourceTest {

  private static final Retries QUICK = new Retries(3, Duration.ofMillis(1));

  @TempDir private Path folder;
  private HubServer hub;
  private final Map<String, String> variables = new HashMap<>();

  @BeforeEach
  void serve() throws IOException {
    hub = new HubServer();
    variables.put("HF_ENDPOINT", hub.endpoint());
    hub.small("models", "org/name", "config.json", "{}")
        .small("models", "org/name", "tokenizer.json", "{\"a\": 1}")
        .small("models", "org/name", "tokenizer_config.json", "{}")
        .small("models", "org/name", "chat_template.jinja", "{{ x }}")
        .small("models", "org/name", "README.md", "read me")
        .small("models", "org/name", "pytorch_model.bin", "pickled")
        .large("models", "org/name", "consolidated.safetensors", "twice")
        .large("models", "org/name", "model.safetensors", "weights");
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  @Test
  void aModelIsItsNeededFilesOfTheCommitThatTheBranchIsNow() throws IOException {
    Source source = model("hf://org/name", null);

    assertThat(source.commit()).isEqualTo(HubServer.COMMIT);
    assertThat(source.path().toFile().list())
        .containsExactlyInAnyOrder(
            "chat_template.jinja",
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json");
    assertThat(source.path().resolve("model.safetensors")).hasContent("weights");
    assertThat(source.digest()).isEqualTo(Sha256.ofDirectory(source.path()));
    assertThat(hub.paths())
        .startsWith("/api/models/org/name/revision/main?blobs=true")
        .contains("/org/name/resolve/" + HubServer.COMMIT + "/config.json")
        .noneMatch(path -> path.contains("README") || path.contains("consolidated"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"method.safeLora.baseModel.source", "safety.evaluation.judge.classifier.source"})
  void soIsEveryOtherModelOfAPlan(String field) {
    Source source =
        resolver().resolve(new SourceSpec(field, "hf://org/name", HubServer.COMMIT, null));

    assertThat(source.path().resolve("model.safetensors")).hasContent("weights");
    assertThat(source.digest()).isEqualTo(model("hf://org/name", null).digest());
  }

  @Test
  void aSecondRunAsksOnlyWhichCommitItIsAndHasTheSameDigest() {
    Source first = model("hf://org/name", null);
    int requests = hub.paths().size();
    Source second = model("hf://org/name", HubServer.COMMIT);

    assertThat(second.digest()).isEqualTo(first.digest());
    assertThat(hub.paths().subList(requests, hub.paths().size()))
        .containsExactly("/api/models/org/name/revision/" + HubServer.COMMIT + "?blobs=true");
  }

  @Test
  void shardsAreThoseOfTheIndexAndAFolderCanBeNamed() throws IOException {
    hub.small("models", "org/big", "sub/config.json", "{}")
        .small(
            "models",
            "org/big",
            "sub/model.safetensors.index.json",
            "{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\","
                + " \"c\": \"model-1.safetensors\"}}")
        .large("models", "org/big", "sub/model-1.safetensors", "one")
        .large("models", "org/big", "sub/model-2.safetensors", "two")
        .large("models", "org/big", "sub/model-3.safetensors", "three");

    assertThat(model("hf://org/big/sub", "refs/pr/1").path().toFile().list())
        .containsExactlyInAnyOrder(
            "config.json",
            "model.safetensors.index.json",
            "model-1.safetensors",
            "model-2.safetensors");
    assertThat(hub.paths()).contains("/api/models/org/big/revision/refs%2Fpr%2F1?blobs=true");
  }

  @Test
  void anIndexCannotNameAFileOutsideOfItsFolder() {
    hub.small("models", "org/evil", "config.json", "{}")
        .small(
            "models",
            "org/evil",
            "model.safetensors.index.json",
            "{\"weight_map\": {\"a\": \"../../evil\"}}")
        .small("models", "org/evil", "../../evil", "x");

    assertEndsWith("hf://org/evil", ExitReason.BAD_DATA, "does not hold: ../../evil");
  }

  @Test
  void anIndexInAnotherEncodingIsRefusedBeforeItsShardsAreFetched() {
    byte[] index = "{\"weight_map\": {\"a\": \"s\"}}".getBytes(StandardCharsets.UTF_16LE);
    hub.small("models", "org/wide", "config.json", "{}")
        .small("models", "org/wide", "model.safetensors.index.json", index)
        .large("models", "org/wide", "s", "x");

    assertEndsWith("hf://org/wide", ExitReason.BAD_DATA, "index.json is not JSON in UTF-8");
    assertThat(hub.storageRequests()).isEmpty();
  }

  @Test
  void oneFileOfAModelOrOfADataSetKeepsItsName() {
    hub.large("models", "org/gguf", "q/model Q8.gguf", "gguf")
        .small("datasets", "org/data", "en/train.csv", "a,b");

    assertThat(model("hf://org/gguf/q/model Q8.gguf", null).path())
        .hasFileName("model_Q8.gguf")
        .hasContent("gguf");
    assertThat(data("hf://datasets/org/data/en/train.csv").path())
        .hasFileName("train.csv")
        .hasContent("a,b");
    assertThat(hub.paths())
        .contains("/org/gguf/resolve/" + HubServer.COMMIT + "/q/model%20Q8.gguf")
        .contains("/datasets/org/data/resolve/" + HubServer.COMMIT + "/en/train.csv");
  }

  @Test
  @Timeout(60)
  void whatAKilledRunDownloadedIsGoneOnWithByTheRunThatWaitsForIt() throws Exception {
    byte[] content = new byte[500_000];
    new Random(2).nextBytes(content);
    hub.large("datasets", "org/data", "train.jsonl", content);
    hub.stallAfter(200_000);
    Path cache = folder.resolve("cache");
    String uri = "hf://datasets/org/data/train.jsonl";
    Process killed = DownloadProcess.start(variables, cache, uri);
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try {
      await().until(() -> partialBytes(cache) == 200_000);
      Future<Source> waiting = executor.submit(() -> data(uri));
      await()
          .until(() -> hub.paths().stream().filter(path -> path.startsWith("/api")).count() == 2);
      assertThat(hub.storageRequests()).hasSize(1);

      killed.destroyForcibly().waitFor();

      assertThat(waiting.get().path()).hasBinaryContent(content);
    } finally {
      killed.destroyForcibly();
      executor.shutdownNow();
    }
    assertThat(hub.storageRequests())
        .extracting(LoopbackServer.Request::range)
        .containsExactly(null, "bytes=200000-");
  }

  private static long partialBytes(Path cache) throws IOException {
    Path folder = cache.resolve("partial");
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    }
  }

  @Test
  void theTokenIsForTheHubAloneAndInNoMessage() throws IOException {
    variables.put("HF_TOKEN", "hf_secret\n");
    hub.requireToken("hf_secret");

    model("hf://org/name", null);

    assertThat(hub.requests())
        .isNotEmpty()
        .allSatisfy(request -> assertThat(request.authorization()).isEqualTo("Bearer hf_secret"));
    assertThat(hub.storageRequests())
        .as("large files lie on another host")
        .hasSize(1)
        .allSatisfy(request -> assertThat(request.authorization()).isNull());
    variables.put("HF_TOKEN", "hf_other");
    assertThatThrownBy(() -> model("hf://org/name", null))
        .hasMessageContaining("status 401")
        .hasMessageNotContaining("hf_other");
    assertThat(DownloadSettings.of(variables, folder).toString()).doesNotContain("hf_other");
  }

  @Test
  void aPartOfThePlanMayHaveATokenOfItsOwn() {
    hub.small("datasets", "org/data", "train.jsonl", "{}");
    variables.put("HF_TOKEN", "hf_models");
    variables.put("SAFEGRAD_DATASET_TOKEN", "hf_data");
    hub.requireToken("hf_data");

    assertThat(data("hf://datasets/org/data/train.jsonl").path()).hasContent("{}");
    assertThatThrownBy(() -> model("hf://org/name", null)).hasMessageContaining("status 401");
  }

  @Test
  void aSecretThatAPlanNamesMustBeThere() {
    assertThatThrownBy(() -> requireSecret("dataset.source", "https://host/x"))
        .hasMessage(
            "dataset.secretRef: expected the token of the Secret mine in the environment variable"
                + " SAFEGRAD_DATASET_TOKEN");
    assertThatThrownBy(() -> requireSecret("output.destination", "s3://bucket/x"))
        .hasMessage(
            "output.secretRef: expected the keys of the Secret mine in the environment variables"
                + " SAFEGRAD_OUTPUT_AWS_ACCESS_KEY_ID and SAFEGRAD_OUTPUT_AWS_SECRET_ACCESS_KEY");
    variables.put("SAFEGRAD_DATASET_TOKEN", "secret");
    requireSecret("dataset.source", "https://host/x");
    requireSecret("safety.alignment.source", "builtin://alignment");
  }

  private void requireSecret(String field, String uri) {
    DownloadSettings.of(variables, folder).secrets().require(field, uri, "mine");
  }

  @Test
  void aTokenIsNotSentInClearTextBeyondThisMachine() {
    variables.put("HF_TOKEN", "hf_secret");
    variables.put("HF_ENDPOINT", "http://hub.example.org");

    assertEndsWith("hf://org/name", ExitReason.BAD_PLAN, "HF_ENDPOINT: expected https");
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "config.json"})
  void otherBytesThanTheHubAnnouncedAreRefused(String name) {
    hub.tamper("models", "org/name", name);

    assertEndsWith("hf://org/name", ExitReason.BAD_DATA, name, "do not have the expected");
  }

  @Test
  void aHubThatGivesNoChecksumsIsTakenAtItsWord() {
    hub.withoutChecksums();

    assertThat(model("hf://org/name", null).path().resolve("config.json")).hasContent("{}");
    assertThat(folder.resolve("cache/address")).isNotEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({
    "401,BAD_PLAN",
    "403,BAD_PLAN",
    "404,BAD_PLAN",
    "429,SOURCE_UNAVAILABLE",
    "502,SOURCE_UNAVAILABLE"
  })
  void eachRefusalHasItsReason(int status, ExitReason reason) {
    hub.failWith(status, status, status);

    assertEndsWith("hf://org/name", reason, "status " + status);
  }

  @Test
  void whatIsNotThereIsNamed() {
    hub.small("models", "org/bin", "config.json", "{}")
        .small("datasets", "org/data", "a.jsonl", "{}");

    assertEndsWith("hf://org/bin", ExitReason.BAD_PLAN, "expected config.json and");
    assertEndsWith("hf://org/none", ExitReason.BAD_PLAN, "nothing at this address");
    assertThatThrownBy(() -> data("hf://datasets/org/data/b.jsonl"))
        .hasMessageContaining("holds no file b.jsonl");
  }

  @Test
  void anotherCommitThanThePinnedOneIsNotTaken() {
    assertThatThrownBy(() -> model("hf://org/name", "f".repeat(40)))
        .hasMessageContaining("expected " + "f".repeat(40));
  }

  @Test
  void anAnswerThatIsNoListingIsSaid() throws IOException {
    hub.listing("models", "org/odd", "<html>proxy</html>");

    assertEndsWith("hf://org/odd", ExitReason.SOURCE_UNAVAILABLE, "does not answer as a hub does");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hf://name",
        "hf://org/name/../x",
        "hf://org/..",
        "hf://datasets/org/name/x",
        "hf://"
      })
  void anAddressOfAnotherFormIsRefused(String uri) {
    assertEndsWith(uri, ExitReason.BAD_PLAN, "expected hf://org/name");
    assertThat(hub.paths()).isEmpty();
  }

  @Test
  void aModelIsNoDataSet() {
    assertThatThrownBy(() -> data("hf://org/name/train.jsonl"))
        .hasMessageContaining("expected hf://datasets/org/name/path");
  }

  @ParameterizedTest
  @CsvSource({
    "HF_ENDPOINT,ftp://hub",
    "HF_ENDPOINT,https://user@hub",
    "HF_TOKEN,two words",
    "SAFEGRAD_DOWNLOAD_LIMIT,-1"
  })
  void aVariableThatCannotBeUsedIsNamed(String name, String value) {
    assertThatThrownBy(() -> DownloadSettings.of(Map.of(name, value), folder))
        .hasMessageStartingWith(name + ": expected")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  private Source model(String uri, String revision) {
    return resolver().resolve(new SourceSpec("model.source", uri, revision, null));
  }

  private Source data(String uri) {
    return resolver().resolve(SourceSpec.unpinned("dataset.source", uri));
  }

  private SourceResolver resolver() {
    RemoteSources remote =
        new RemoteSources(
            DownloadSettings.of(variables, folder), folder.resolve("sources"), null, QUICK);
    return new SourceResolver(folder.resolve("pvc"), true, folder, remote);
  }

  private void assertEndsWith(String uri, ExitReason reason, String... parts) {
    assertThatThrownBy(() -> model(uri, null))
        .isInstanceOf(TrainerException.class)
        .hasMessageContainingAll(parts)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(reason);
  }
}
