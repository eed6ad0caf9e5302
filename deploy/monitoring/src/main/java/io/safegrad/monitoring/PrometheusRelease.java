package io.safegrad.monitoring;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The archive that Prometheus publishes, held to its published SHA-256. {@code
 * SAFEGRAD_PROMETHEUS_DOWNLOADS} names a mirror.
 */
final class PrometheusRelease {

  static final String VERSION = "2.53.5";

  private static final String ARCHIVE = "prometheus-%s.linux-%s.tar.gz";
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration ANSWER = Duration.ofSeconds(120);

  private final String downloads;
  private final Consumer<String> progress;
  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(CONNECT)
          .followRedirects(HttpClient.Redirect.NORMAL)
          .build();

  PrometheusRelease(Map<String, String> environment, Consumer<String> progress) {
    this.downloads =
        environment.getOrDefault(
            "SAFEGRAD_PROMETHEUS_DOWNLOADS",
            "https://github.com/prometheus/prometheus/releases/download");
    this.progress = progress;
  }

  /**
   * Downloads and unpacks it.
   *
   * @return the folder with the programs; empty where it cannot be reached
   * @throws MonitoringException when the archive is not what its publisher says
   */
  Optional<Path> into(Path folder) throws IOException {
    String archive = ARCHIVE.formatted(VERSION, architecture());
    String release = "%s/v%s/".formatted(downloads, VERSION);
    Path file = folder.resolve(archive);
    String digest;
    try {
      digest = published(get(release + "sha256sums.txt", BodyHandlers.ofString()), archive);
      progress.accept("prometheus: downloading " + release + archive);
      get(release + archive, BodyHandlers.ofFile(file));
    } catch (IOException e) {
      progress.accept("prometheus: no official release (%s)".formatted(e));
      return Optional.empty();
    }
    String found = sha256(file);
    if (!found.equalsIgnoreCase(digest)) {
      throw new MonitoringException(
          "%s%s: its SHA-256 is %s, its publisher says %s; nothing of it is kept"
              .formatted(release, archive, found, digest));
    }
    ProgramResult unpacked =
        ProgramResult.run(folder, List.of("tar", "-xzf", archive, "--strip-components=1"));
    if (unpacked.exitCode() != 0) {
      throw new MonitoringException("tar -xzf " + archive + ": " + unpacked.output());
    }
    return Optional.of(folder);
  }

  private static String architecture() {
    return System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
  }

  private static String published(String sums, String archive) throws IOException {
    return sums.lines()
        .filter(line -> line.endsWith(" " + archive))
        .map(line -> line.split(" ")[0])
        .findFirst()
        .orElseThrow(() -> new IOException("sha256sums.txt does not name " + archive));
  }

  private <T> T get(String address, BodyHandler<T> body) throws IOException {
    HttpRequest request = HttpRequest.newBuilder(URI.create(address)).timeout(ANSWER).build();
    try {
      HttpResponse<T> response = client.send(request, body);
      if (response.statusCode() != 200) {
        throw new IOException(address + " answers " + response.statusCode());
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MonitoringException("interrupted while downloading " + address, e);
    }
  }

  private static String sha256(Path file) throws IOException {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }
}
