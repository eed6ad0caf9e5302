package io.safegrad.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlPlaneBinariesTest {

  private static final Platform LINUX = new Platform("linux", "amd64");
  private static final String KUBERNETES = "/v" + ControlPlaneBinaries.KUBERNETES_VERSION;
  private static final String ETCD = "/v3.6.8/";

  @TempDir Path folder;
  private final Map<String, byte[]> published = new HashMap<>();
  private final Map<String, String> environment = new HashMap<>();
  private final List<String> progress = Collections.synchronizedList(new ArrayList<>());
  private HttpServer server;

  @BeforeEach
  void serve() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] body = published.get(exchange.getRequestURI().getPath());
          exchange.sendResponseHeaders(body == null ? 404 : 200, body == null ? -1 : body.length);
          try (var stream = exchange.getResponseBody()) {
            if (body != null) {
              stream.write(body);
            }
          }
        });
    server.start();
    String address = "http://127.0.0.1:" + server.getAddress().getPort();
    environment.put("SAFEGRAD_K8S_DOWNLOADS", address);
    environment.put("SAFEGRAD_ETCD_DOWNLOADS", address);
    environment.put("KUBE_API_TEST_DIR", folder.resolve("cache").toString());
    environment.put("PATH", folder.resolve("bin").toString());
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void officialDownloadsFillTheCache() throws IOException {
    publish();
    Path resolved = resolve();
    assertThat(resolved).isEqualTo(folder.resolve("cache/k8s/1.36.2-linux-amd64"));
    for (String name : ControlPlaneBinaries.NAMES) {
      assertThat(resolved.resolve(name))
          .isExecutable()
          .hasContent("#!/bin/sh\necho " + name + "\n");
    }
    assertThat(progress).last().asString().endsWith("(official downloads)");
    published.clear();
    assertThat(resolve()).isEqualTo(resolved);
    assertThat(progress).last().asString().endsWith("(cache)");
  }

  @Test
  void aDownloadWithAnotherChecksumIsRefusedAndNotKept() throws IOException {
    publish();
    String path = KUBERNETES + "/bin/linux/amd64/kube-scheduler";
    published.put(path, "something else".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining(path)
        .hasMessageContaining("its publisher says " + new String(published.get(path + ".sha256")));
    assertNothingKept();
  }

  @Test
  void anEtcdArchiveWithAnotherChecksumIsRefusedAndNotKept() throws IOException {
    publish();
    published.put(ETCD + "SHA256SUMS", "0000  etcd-v3.6.8-linux-amd64.tar.gz\n".getBytes());
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("etcd-v3.6.8-linux-amd64.tar.gz")
        .hasMessageContaining("its publisher says 0000");
    assertNothingKept();
  }

  @Test
  void withoutDownloadsItIsBuiltFromGoModules() throws IOException {
    installGo("1.26.8");
    Path resolved = resolve();
    assertThat(resolved.resolve("kube-apiserver")).isExecutable().isSymbolicLink();
    assertThat(Files.readString(resolved.resolve("kubectl")))
        .contains("gitVersion=v1.36.2")
        .contains("go.mod go.sum main.go");
    assertThat(progress).last().asString().endsWith("(built from Go modules)");
  }

  @Test
  void resolversAtTheSameTimeBuildOnce() throws IOException {
    installGo("1.26.8");
    Stream.generate(() -> CompletableFuture.supplyAsync(this::resolve))
        .limit(4)
        .toList()
        .forEach(CompletableFuture::join);
    assertThat(progress).filteredOn(line -> line.endsWith("(built from Go modules)")).hasSize(1);
    assertThat(progress).filteredOn(line -> line.endsWith("(cache)")).hasSize(3);
  }

  @Test
  void aMissingGoIsNamedWithItsCure() {
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("there is no `go` on the PATH")
        .hasMessageContaining("go.dev/dl")
        .hasMessageContaining("SAFEGRAD_K8S_BIN");
  }

  @Test
  void anOldGoIsNamedWithItsCure() throws IOException {
    installGo("1.19.8");
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("Go 1.26 or later is needed")
        .hasMessageContaining("go version go1.19.8");
    assertNothingKept();
  }

  @Test
  void aGivenFolderIsUsedAsItIs() throws IOException {
    for (String name : ControlPlaneBinaries.NAMES) {
      writeScript(folder.resolve("given").resolve(name), "exit 0");
    }
    environment.put("SAFEGRAD_K8S_BIN", folder.resolve("given").toString());
    assertThat(resolve()).isEqualTo(folder.resolve("given"));
    Files.delete(folder.resolve("given/kube-scheduler"));
    assertThatThrownBy(this::resolve)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("no executable file kube-scheduler");
  }

  private Path resolve() {
    return new ControlPlaneBinaries(environment, LINUX, progress::add).resolve();
  }

  private void assertNothingKept() throws IOException {
    try (Stream<Path> tree = Files.walk(folder.resolve("cache"))) {
      assertThat(tree.filter(Files::isRegularFile).map(path -> path.getFileName().toString()))
          .containsOnly(".1.36.2-linux-amd64.lock");
    }
  }

  /** What the two projects publish, with a script in place of each program. */
  private void publish() throws IOException {
    for (String name : ControlPlaneBinaries.NAMES) {
      Path program = folder.resolve("published/etcd-v3.6.8-linux-amd64").resolve(name);
      writeScript(program, "echo " + name);
      String path = KUBERNETES + "/bin/linux/amd64/" + name;
      published.put(path, Files.readAllBytes(program));
      published.put(path + ".sha256", OfficialDownloads.sha256(program).getBytes());
    }
    String archive = "etcd-v3.6.8-linux-amd64.tar.gz";
    Process tar =
        new ProcessBuilder("tar", "-czf", archive, "etcd-v3.6.8-linux-amd64/etcd")
            .directory(folder.resolve("published").toFile())
            .inheritIO()
            .start();
    assertThat(tar.onExit().join().exitValue()).isZero();
    Path file = folder.resolve("published").resolve(archive);
    published.put(ETCD + archive, Files.readAllBytes(file));
    String sums = "1111  etcd-v3.6.8-darwin-arm64.zip\n%s  %s\n";
    published.put(
        ETCD + "SHA256SUMS", sums.formatted(OfficialDownloads.sha256(file), archive).getBytes());
  }

  /** A Go that writes down how it was called, as the program it builds. */
  private void installGo(String version) throws IOException {
    writeScript(
        folder.resolve("bin/go"),
        """
        PATH=/usr/bin:/bin
        if [ "$1" = version ]; then echo go version go%s linux/amd64; exit; fi
        for argument; do [ "$previous" = -o ] && output=$argument; previous=$argument; done
        echo go: downloading example.org/module v1.0.0
        echo example.org/module
        echo "$@" > "$output"
        echo * >> "$output"
        chmod +x "$output"
        """
            .formatted(version));
  }

  private static void writeScript(Path file, String body) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
