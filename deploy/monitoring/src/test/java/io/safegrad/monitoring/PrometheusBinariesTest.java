package io.safegrad.monitoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrometheusBinariesTest {

  @TempDir private Path folder;
  private final List<String> told = new ArrayList<>();
  private HttpServer server;
  private String sums;

  /** A mirror with an archive of two scripts. */
  @BeforeEach
  void serve() throws Exception {
    String name = "prometheus-%s.linux-amd64".formatted(PrometheusRelease.VERSION);
    Path content = Files.createDirectories(folder.resolve("made").resolve(name));
    for (String program : PrometheusBinaries.NAMES) {
      Files.writeString(content.resolve(program), "#!/bin/sh\necho " + program + "\n");
      assertThat(content.resolve(program).toFile().setExecutable(true)).isTrue();
    }
    String archive = name + ".tar.gz";
    ProgramResult packed =
        ProgramResult.run(folder.resolve("made"), List.of("tar", "-czf", archive, name));
    assertThat(packed.exitCode()).as(packed.output()).isZero();
    byte[] bytes = Files.readAllBytes(folder.resolve("made").resolve(archive));
    sums =
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))
            + "  "
            + archive
            + "\n";
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          boolean wantsSums = exchange.getRequestURI().getPath().endsWith("sha256sums.txt");
          byte[] body = wantsSums ? sums.getBytes(StandardCharsets.UTF_8) : bytes;
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  @Test
  void theOfficialReleaseIsDownloadedOnce() throws IOException {
    Path bin = binaries().resolve();
    assertThat(ProgramResult.run(folder, List.of(bin.resolve("promtool").toString())))
        .isEqualTo(new ProgramResult(0, "promtool"));
    server.stop(0);
    assertThat(binaries().resolve()).isEqualTo(bin);
    assertThat(told).last().asString().endsWith("(cache)");
    assertThat(folder.resolve("cache")).isDirectoryNotContaining("glob:**preparing-*");
  }

  @Test
  void anArchiveThatIsNotWhatItsPublisherSaysIsNotKept() {
    sums = sums.replaceFirst("^.{8}", "00000000");
    assertThatThrownBy(() -> binaries().resolve())
        .isInstanceOf(MonitoringException.class)
        .hasMessageContaining("its publisher says 00000000");
    assertThat(folder.resolve("cache/bin")).isEmptyDirectory();
  }

  @Test
  void aFolderWithoutThemIsNamed() {
    assertThatThrownBy(
            () ->
                new PrometheusBinaries(
                        Map.of("SAFEGRAD_PROMETHEUS_BIN", folder.toString()), told::add)
                    .resolve())
        .hasMessage(
            "SAFEGRAD_PROMETHEUS_BIN is %s, but there is no executable file prometheus in it;"
                    .formatted(folder)
                + " expected prometheus and promtool");
  }

  private PrometheusBinaries binaries() {
    return new PrometheusBinaries(
        Map.of(
            "SAFEGRAD_PROMETHEUS_CACHE",
            folder.resolve("cache").toString(),
            "SAFEGRAD_PROMETHEUS_DOWNLOADS",
            "http://127.0.0.1:" + server.getAddress().getPort()),
        told::add);
  }
}
