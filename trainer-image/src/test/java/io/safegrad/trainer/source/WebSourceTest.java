package io.safegrad.trainer.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.LoopbackServer;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebSourceTest {

  private static final byte[] CONTENT = new byte[300_000];
  private static final Retries QUICK = new Retries(3, Duration.ofMillis(1));

  static {
    new Random(1).nextBytes(CONTENT);
  }

  @TempDir private static Path keys;
  @TempDir private Path folder;
  private static SSLContext context;
  private final Map<String, String> variables = new HashMap<>();
  private LoopbackServer server;
  private String digest;

  @BeforeEach
  void serve() throws Exception {
    context = context == null ? SelfSigned.context(keys) : context;
    server = LoopbackServer.https(context).file("/a%20b/train.jsonl", CONTENT);
    digest =
        "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(CONTENT));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void aFileIsDownloadedOnceAndKeepsItsName() throws IOException {
    Source source = resolve("/a%20b/train.jsonl");

    assertThat(source.path()).hasFileName("train.jsonl").hasBinaryContent(CONTENT);
    assertThat(source.digest()).isEqualTo(digest);
    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    assertThat(server.requests()).hasSize(1);
    assertThat(cached("partial")).isEmpty();
  }

  @Test
  void aDamagedFileInTheCacheIsDownloadedAgain() throws IOException {
    Path cached = resolve("/a%20b/train.jsonl").path().toRealPath();
    Files.writeString(cached, "damaged");

    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    assertThat(server.requests()).hasSize(2);
  }

  @Test
  void aDownloadGoesOnWhereTheConnectionBroke() throws IOException {
    server.breakAfter(100_000, 50_000);

    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    assertThat(server.requests())
        .extracting(LoopbackServer.Request::range)
        .containsExactly(null, "bytes=100000-", "bytes=150000-");
  }

  @Test
  void aDownloadGoesOnWhereAnEarlierRunStopped() throws IOException {
    begin(Arrays.copyOf(CONTENT, 123_456));

    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    assertThat(server.requests())
        .extracting(LoopbackServer.Request::range)
        .containsExactly("bytes=123456-");
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 300_000, 400_000})
  void whatAnEarlierRunLeftDamagedIsGivenUp(int bytes) throws IOException {
    begin(new byte[bytes]);

    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    assertThat(cached("partial")).isEmpty();
  }

  @Test
  void otherBytesThanTheDigestSaysAreRefusedAndNotKept() throws IOException {
    server.file("/a%20b/train.jsonl", "something else".getBytes(StandardCharsets.UTF_8));

    assertEndsWith("/a%20b/train.jsonl", ExitReason.BAD_DATA, "SHA256 " + digest.substring(7));
    assertThat(cached("partial")).isEmpty();
    assertThat(cached("sha256")).isEmpty();
  }

  @Test
  void anAddressWithoutADigestIsRefusedBeforeAnythingIsAsked() {
    assertThatThrownBy(
            () ->
                resolver(1_000_000)
                    .resolve(SourceSpec.unpinned("dataset.source", server.uri() + "/x")))
        .hasMessage("dataset.digest: missing; expected the sha256:… of what is at https://")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
    assertThat(server.requests()).isEmpty();
  }

  @Test
  void aSignatureInTheAddressIsInNoMessage() {
    assertThatThrownBy(() -> resolve("/none?signature=secret"))
        .hasMessageContaining("/none")
        .hasMessageContaining("404")
        .hasMessageNotContaining("secret");
    assertThatThrownBy(() -> resolve("/no ne?signature=secret"))
        .hasMessageContaining("percent-encoded")
        .hasMessageNotContaining("secret");
  }

  @Test
  void aSignatureInTheAddressIsInNoReport() {
    server.file("/train.jsonl?signature=secret", CONTENT);

    assertThat(resolve("/train.jsonl?signature=secret").uri())
        .isEqualTo(server.uri() + "/train.jsonl");
  }

  @ParameterizedTest
  @ValueSource(strings = {"https://user:password@host/x", "https://host:99999/x", "https:///x"})
  void anAddressThatCanBeNoServersIsRefused(String uri) {
    assertThatThrownBy(
            () -> resolver(1_000_000).resolve(new SourceSpec("dataset.source", uri, null, digest)))
        .hasMessageStartingWith("dataset.source: expected https://host/path")
        .hasMessageNotContaining("password")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
  }

  @Test
  void aCacheThatCannotBeWrittenIsNamed() throws IOException {
    Files.writeString(folder.resolve("cache"), "a file where the folder should be");

    assertEndsWith("/a%20b/train.jsonl", ExitReason.INTERNAL, "SAFEGRAD_CACHE");
  }

  @Test
  void redirectsAreFollowedWithinBoundsAndNeverOutOfHttps() throws IOException {
    try (LoopbackServer plain = LoopbackServer.http("127.0.0.1").file("/x", CONTENT)) {
      server.redirect("/moved", "/a%20b/train.jsonl").redirect("/loop", "/loop");
      server.redirect("/plain", plain.uri() + "/x").redirect("/file", "file:///etc/passwd");
      server.redirect("/user", server.uri().toString().replace("//", "//u:p@") + "/moved");

      assertThat(resolve("/moved").path()).hasBinaryContent(CONTENT);
      Files.delete(resolve("/moved").path().toRealPath());
      assertEndsWith("/loop", ExitReason.BAD_PLAN, "redirected more than 5 times");
      assertEndsWith("/plain", ExitReason.BAD_PLAN, "not allowed; expected https");
      assertEndsWith("/file", ExitReason.BAD_PLAN, "not allowed; expected https");
      assertEndsWith("/user", ExitReason.BAD_PLAN, "not allowed; expected https");
      assertThat(plain.requests()).isEmpty();
    }
  }

  @Test
  void aFileBeyondTheLimitIsRefusedBeforeItIsRead() {
    SourceSpec spec = spec("/a%20b/train.jsonl");

    assertThatThrownBy(() -> resolver(299_999).resolve(spec))
        .hasMessageContaining("larger than 299999 bytes (SAFEGRAD_DOWNLOAD_LIMIT)")
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_PLAN);
    assertThat(resolver(300_000).resolve(spec).digest()).isEqualTo(digest);
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 503})
  void aServerInTroubleIsAskedAgainAFewTimes(int status) throws IOException {
    server.failWith(status, status);
    assertThat(resolve("/a%20b/train.jsonl").path()).hasBinaryContent(CONTENT);
    Files.delete(resolve("/a%20b/train.jsonl").path().toRealPath());

    server.failWith(status, status, status);
    assertEndsWith(
        "/a%20b/train.jsonl", ExitReason.SOURCE_UNAVAILABLE, "status " + status, "3 times");
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404, 410, 400})
  void aRefusalIsNotRepeated(int status) {
    server.failWith(status);

    assertEndsWith("/a%20b/train.jsonl", ExitReason.BAD_PLAN, "status " + status);
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void aServerThatIsNotThereIsUnavailable() {
    server.close();

    assertEndsWith("/x", ExitReason.SOURCE_UNAVAILABLE, "127.0.0.1 does not answer");
  }

  @Test
  void aCertificateThatNobodyKnowsIsRefused() throws Exception {
    Path other = Files.createDirectory(folder.resolve("other"));
    SSLContext stranger = SelfSigned.context(other);
    try (LoopbackServer impostor = LoopbackServer.https(stranger).file("/x", CONTENT)) {
      assertThatThrownBy(
              () ->
                  resolver(1_000_000)
                      .resolve(
                          new SourceSpec("dataset.source", impostor.uri() + "/x", null, digest)))
          .extracting(e -> ((TrainerException) e).reason())
          .isEqualTo(ExitReason.SOURCE_UNAVAILABLE);
      assertThat(impostor.requests()).isEmpty();
    }
  }

  @Test
  void runsThatShareACacheDownloadAFileOnce() throws Exception {
    ExecutorService runs = Executors.newFixedThreadPool(4);
    try {
      List<Future<Source>> sources =
          IntStream.range(0, 4)
              .mapToObj(
                  run ->
                      runs.submit(
                          () ->
                              resolver(1_000_000, folder.resolve("run-" + run))
                                  .resolve(spec("/a%20b/train.jsonl"))))
              .toList();
      for (Future<Source> source : sources) {
        assertThat(source.get().path()).hasBinaryContent(CONTENT);
      }
    } finally {
      runs.shutdownNow();
    }
    assertThat(server.requests()).hasSize(1);
  }

  @Test
  void theTokenOfADataSetGoesToItsServerAndNowhereElse() throws IOException {
    variables.put("SAFEGRAD_DATASET_TOKEN", "web-secret");
    variables.put("HF_TOKEN", "hub-secret");
    try (LoopbackServer elsewhere = LoopbackServer.https(context).file("/x", CONTENT)) {
      server.redirect("/moved", elsewhere.uri() + "/x");

      assertThat(resolve("/moved").path()).hasBinaryContent(CONTENT);
      assertThat(server.requests())
          .extracting(LoopbackServer.Request::authorization)
          .containsExactly("Bearer web-secret");
      assertThat(elsewhere.requests())
          .extracting(LoopbackServer.Request::authorization)
          .containsOnlyNulls();
    }
    Files.delete(resolve("/moved").path().toRealPath());
    assertThatThrownBy(() -> resolver(1_000_000).resolve(model("/none")))
        .hasMessageNotContaining("secret");
    assertThat(server.requests()).last().extracting(LoopbackServer.Request::authorization).isNull();
  }

  private SourceSpec model(String path) {
    return new SourceSpec("model.source", server.uri() + path, null, digest);
  }

  private void begin(byte[] bytes) throws IOException {
    Path partial = Files.createDirectories(folder.resolve("cache/partial"));
    Files.write(partial.resolve("sha256-" + digest.substring(7)), bytes);
  }

  private List<Path> cached(String kind) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("cache").resolve(kind))) {
      return files.toList();
    }
  }

  private Source resolve(String path) {
    return resolver(1_000_000).resolve(spec(path));
  }

  private SourceSpec spec(String path) {
    return new SourceSpec("dataset.source", server.uri() + path, null, digest);
  }

  private SourceResolver resolver(long limit) {
    return resolver(limit, folder);
  }

  private SourceResolver resolver(long limit, Path workspace) {
    DownloadSettings settings =
        DownloadSettings.of(
            with(
                Map.of(
                    "SAFEGRAD_CACHE",
                    folder.resolve("cache").toString(),
                    "SAFEGRAD_DOWNLOAD_LIMIT",
                    Long.toString(limit))),
            workspace);
    RemoteSources remote =
        new RemoteSources(
            settings, workspace.resolve("sources"), context.getSocketFactory(), QUICK);
    return new SourceResolver(folder.resolve("pvc"), true, workspace, remote);
  }

  private Map<String, String> with(Map<String, String> more) {
    Map<String, String> all = new HashMap<>(variables);
    all.putAll(more);
    return all;
  }

  private void assertEndsWith(String path, ExitReason reason, String... parts) {
    assertThatThrownBy(() -> resolve(path))
        .isInstanceOf(TrainerException.class)
        .hasMessageStartingWith("dataset.source: ")
        .hasMessageContainingAll(parts)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(reason);
  }
}
