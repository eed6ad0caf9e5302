package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.S3Server;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
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

@Timeout(120)
class S3SourceTest {

  private static final byte[] CONTENT = new byte[300_000];
  private static final String KEY = "team a/train.jsonl";
  private static final String URI = "s3://data/" + KEY;
  private static final Retries QUICK = new Retries(3, Duration.ofMillis(1));

  static {
    new Random(1).nextBytes(CONTENT);
  }

  @TempDir private Path folder;
  private S3Server server;
  private final Map<String, String> variables = new HashMap<>();

  @BeforeEach
  void serve() throws Exception {
    use(S3Server.signed("data", "models"));
  }

  private void use(S3Server other) {
    server = other.put("data", KEY, CONTENT);
    variables.putAll(server.variables());
  }

  @AfterEach
  void stop() throws Exception {
    server.close();
  }

  @Test
  void anObjectIsDownloadedOnceAndKeepsItsName() throws Exception {
    Source source = data(URI);

    assertThat(source.path()).hasFileName("train.jsonl").hasBinaryContent(CONTENT);
    assertThat(source.digest()).isEqualTo(digest(CONTENT));
    assertThat(source.uri()).isEqualTo(URI);
    assertThat(data(URI).path()).hasBinaryContent(CONTENT);
    assertThat(server.requests()).containsExactly("GET " + KEY);
  }

  @Test
  void aDownloadGoesOnWhereTheConnectionBroke() {
    server.breakAfter(100_000, 50_000);

    assertThat(data(URI).path()).hasBinaryContent(CONTENT);
    assertThat(server.requests()).hasSize(3).first().isEqualTo("GET " + KEY);
    assertThat(server.requests().subList(1, 3)).allMatch(request -> request.contains("bytes="));
  }

  @Test
  void anObjectThatChangesWhileItIsDownloadedIsNoticed() throws IOException {
    byte[] other = new byte[CONTENT.length];
    new Random(2).nextBytes(other);
    server.breakAfter(100_000);
    Path cache = folder.resolve("cache");
    breakOnceAndThen(() -> server.put("data", KEY, other));

    assertEndsWith(URI, ExitReason.SOURCE_UNAVAILABLE, "it changed while it was downloaded");

    assertThat(partialBytes(cache)).isZero();
    assertThat(data(URI).path()).hasBinaryContent(other);
  }

  /** The first answer breaks; what is given happens before the second. */
  private void breakOnceAndThen(Runnable action) {
    server.before("GET", () -> server.before("GET", action));
  }

  @Test
  void anObjectThatChangedSinceTheLastRunIsDownloadedAnew() {
    data(URI);
    byte[] other = "{}".getBytes(StandardCharsets.UTF_8);
    server.put("data", KEY, other);

    assertThat(data(URI).path()).hasBinaryContent(other);
  }

  @Test
  void aDamagedFileInTheCacheIsDownloadedAgain() throws IOException {
    Path cached = data(URI).path().toRealPath();
    byte[] damaged = CONTENT.clone();
    damaged[7]++;
    Files.write(cached, damaged);

    assertThat(data(URI).path()).hasBinaryContent(CONTENT);
    assertThat(server.requests()).hasSize(2);
  }

  @Test
  void theDigestIsWhatTheObjectMustBeAndWhatTheCacheKnowsItBy() throws Exception {
    SourceSpec right = new SourceSpec("dataset.source", URI, null, digest(CONTENT));
    resolver().resolve(right);
    server.put("data", "copy.jsonl", CONTENT);
    resolver()
        .resolve(new SourceSpec("dataset.source", "s3://data/copy.jsonl", null, digest(CONTENT)));
    assertThat(server.requests()).hasSize(1);

    server.put("data", KEY, new byte[CONTENT.length]);
    Files.delete(resolver().resolve(right).path().toRealPath());
    assertThatThrownBy(() -> resolver().resolve(right))
        .hasMessageContaining("do not have the expected SHA256")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  @Test
  void aFolderOfAModelIsItsNeededFiles() throws IOException {
    for (String name :
        List.of("config.json", "tokenizer.json", "model.safetensors", "README.md", "x.bin")) {
      server.put("models", "org/toy/" + name, name.getBytes(StandardCharsets.UTF_8));
    }
    server.put("models", "org/toy/original/model.safetensors", new byte[1]);
    server.put("models", "org/toy-2/config.json", new byte[1]);

    Source source = model("s3://models/org/toy/");

    assertThat(source.path().toFile().list())
        .containsExactlyInAnyOrder("config.json", "tokenizer.json", "model.safetensors");
    assertThat(source.digest()).isEqualTo(Sha256.ofDirectory(source.path()));
    assertThat(model("s3://models/org/toy").digest()).isEqualTo(source.digest());
    assertThat(server.requests()).hasSize(3);
  }

  @Test
  void oneGgufFileIsAModel() {
    server.put("models", "q8.gguf", CONTENT);

    assertThat(model("s3://models/q8.gguf").path())
        .hasFileName("q8.gguf")
        .hasBinaryContent(CONTENT);
  }

  @Test
  void whatIsNoModelIsSaid() {
    assertThatThrownBy(() -> model("s3://data/team a"))
        .hasMessage(
            "model.source: s3://data/team a: this folder holds no model; expected config.json and"
                + " model.safetensors or model.safetensors.index.json");
  }

  @Test
  void eachRefusalIsOneClearLineWithoutTheKeys() {
    assertEndsWith("s3://data/none", ExitReason.BAD_PLAN, "NoSuchKey", "nothing at this address");
    assertEndsWith("s3://nobody/x", ExitReason.BAD_PLAN, "NoSuchBucket", "no such bucket");
    variables.put("AWS_SECRET_ACCESS_KEY", "another-secret");
    assertEndsWith(URI, ExitReason.BAD_PLAN, "SignatureDoesNotMatch", "do not belong together");
    variables.put("AWS_ACCESS_KEY_ID", "AKIANOBODY");
    assertEndsWith(URI, ExitReason.BAD_PLAN, "InvalidAccessKeyId", "not known there");
    variables.remove("AWS_ACCESS_KEY_ID");
    assertEndsWith(URI, ExitReason.BAD_PLAN, "AWS_ACCESS_KEY_ID beside AWS_SECRET_ACCESS_KEY");
    variables.remove("AWS_SECRET_ACCESS_KEY");
    assertEndsWith(URI, ExitReason.BAD_PLAN, "there are no keys for it", "secretRef");
  }

  @Test
  void anOpenBucketNeedsNoKeys() throws Exception {
    server.close();
    use(S3Server.open("data"));
    variables.keySet().removeAll(List.of("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"));

    assertThat(data(URI).path()).hasBinaryContent(CONTENT);
  }

  @Test
  void keysOfTheirOwnTakeTheOthersPlace() {
    variables.put("AWS_ACCESS_KEY_ID", "AKIANOBODY");
    assertEndsWith(URI, ExitReason.BAD_PLAN, "InvalidAccessKeyId");
    variables.put("SAFEGRAD_DATASET_AWS_ACCESS_KEY_ID", S3Server.ACCESS_KEY);
    variables.put("SAFEGRAD_DATASET_AWS_SECRET_ACCESS_KEY", S3Server.SECRET_KEY);

    assertThat(data(URI).path()).hasBinaryContent(CONTENT);
    assertThat(DownloadSettings.of(variables, folder).toString())
        .doesNotContain(S3Server.SECRET_KEY)
        .doesNotContain(S3Server.ACCESS_KEY);
  }

  @ParameterizedTest
  @CsvSource({"429", "500", "503"})
  void aServerInTroubleIsAskedAgainAFewTimes(int status) throws IOException {
    server.fail("GET", status, status);
    Path path = data(URI).path();
    assertThat(path).hasBinaryContent(CONTENT);
    Files.delete(path.toRealPath());

    server.fail("GET", status, status, status);
    assertEndsWith(URI, ExitReason.SOURCE_UNAVAILABLE, "status " + status, "3 times");
  }

  @Test
  void aServerThatIsNotThereIsUnavailable() throws Exception {
    server.close();

    assertEndsWith(URI, ExitReason.SOURCE_UNAVAILABLE, "S3 does not answer", "refused");
  }

  @ParameterizedTest
  @ValueSource(strings = {"s3://data/a/../b", "s3://data//b", "s3://data/./b", "s3://D/x"})
  void anAddressOfAnotherFormIsRefused(String uri) {
    assertEndsWith(uri, ExitReason.BAD_PLAN, "expected s3://bucket/key");
    assertThat(server.requests()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "AWS_ENDPOINT_URL_S3,ftp://s3",
    "AWS_ENDPOINT_URL,https://user@s3",
    "AWS_REGION,not a region",
    "SAFEGRAD_DATASET_TOKEN,two words"
  })
  void aVariableThatCannotBeUsedIsNamed(String name, String value) {
    assertThatThrownBy(() -> DownloadSettings.of(Map.of(name, value), folder))
        .hasMessageStartingWith(name + ": expected")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @Test
  void aFileBeyondTheLimitIsRefusedBeforeItIsRead() {
    variables.put("SAFEGRAD_DOWNLOAD_LIMIT", "299999");

    assertEndsWith(URI, ExitReason.BAD_PLAN, "larger than 299999 bytes");
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void whatAKilledRunDownloadedIsGoneOnWithByTheRunsThatWaitForIt() throws Exception {
    server.stallAfter(200_000);
    Path cache = folder.resolve("cache");
    Process killed = DownloadProcess.start(server.variables(), cache, URI);
    ExecutorService runs = Executors.newFixedThreadPool(3);
    List<Future<Source>> waiting = new ArrayList<>();
    try {
      await().until(() -> partialBytes(cache) >= 100_000);
      for (int run = 0; run < 3; run++) {
        Path workspace = folder.resolve("run-" + run);
        waiting.add(
            runs.submit(
                () -> resolver(workspace).resolve(SourceSpec.unpinned("dataset.source", URI))));
      }
      killed.destroyForcibly().waitFor();
      for (Future<Source> source : waiting) {
        assertThat(source.get().path()).hasBinaryContent(CONTENT);
      }
    } finally {
      killed.destroyForcibly();
      runs.shutdownNow();
    }
    assertThat(server.requests()).hasSize(2).first().isEqualTo("GET " + KEY);
    assertThat(server.requests().get(1)).matches("GET " + KEY + " bytes=1\\d{5}-");
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

  private static String digest(byte[] content) throws Exception {
    return "sha256:"
        + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
  }

  private Source data(String uri) {
    return resolver().resolve(SourceSpec.unpinned("dataset.source", uri));
  }

  private Source model(String uri) {
    return resolver().resolve(SourceSpec.unpinned("model.source", uri));
  }

  private SourceResolver resolver() {
    return resolver(folder);
  }

  private SourceResolver resolver(Path workspace) {
    Map<String, String> all = new HashMap<>(variables);
    all.put("SAFEGRAD_CACHE", folder.resolve("cache").toString());
    RemoteSources remote =
        new RemoteSources(
            DownloadSettings.of(all, workspace), workspace.resolve("sources"), null, QUICK);
    return new SourceResolver(folder.resolve("pvc"), true, workspace, remote);
  }

  private void assertEndsWith(String uri, ExitReason reason, String... parts) {
    assertThatThrownBy(() -> data(uri))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("dataset.source: ")
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("secret-key")
        .hasMessageNotContaining("another-secret")
        .hasMessageNotContaining("\n")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(reason);
  }
}
