package io.safegrad.controlplane;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The binaries that Kubernetes and etcd publish, each held to its published SHA-256. The addresses
 * come from {@code SAFEGRAD_K8S_DOWNLOADS} and {@code SAFEGRAD_ETCD_DOWNLOADS}, for mirrors.
 */
final class OfficialDownloads {

  private static final String ETCD_VERSION = "3.6.8";
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final int STALLED_AFTER_SECONDS = 20;

  private final String kubernetes;
  private final String etcd;
  private final Platform platform;
  private final Consumer<String> progress;
  private final HttpClient client =
      HttpClient.newBuilder()
          .connectTimeout(CONNECT)
          .followRedirects(HttpClient.Redirect.NORMAL)
          .build();

  OfficialDownloads(Map<String, String> environment, Platform platform, Consumer<String> progress) {
    this.kubernetes = environment.getOrDefault("SAFEGRAD_K8S_DOWNLOADS", "https://dl.k8s.io");
    this.etcd =
        environment.getOrDefault(
            "SAFEGRAD_ETCD_DOWNLOADS", "https://github.com/etcd-io/etcd/releases/download");
    this.platform = platform;
    this.progress = progress;
  }

  /**
   * Downloads all five programs into a folder.
   *
   * @return why they could not be reached; empty when they are there
   * @throws ControlPlaneException when a file is not what its publisher says: that is never passed
   *     over in silence
   */
  Optional<String> into(Path folder) throws IOException {
    if (!platform.os().equals("linux")) {
      return Optional.of("kube-apiserver is published for linux only, this is " + platform);
    }
    try {
      for (String name : ControlPlaneBinaries.NAMES) {
        if (name.equals("etcd")) {
          downloadEtcd(folder);
        } else {
          URI address =
              URI.create(
                  "%s/v%s/bin/%s/%s/%s"
                      .formatted(
                          kubernetes,
                          ControlPlaneBinaries.KUBERNETES_VERSION,
                          platform.os(),
                          platform.architecture(),
                          name));
          String digest = text(URI.create(address + ".sha256")).strip();
          download(address, digest, folder.resolve(name));
        }
        Files.setPosixFilePermissions(
            folder.resolve(name), PosixFilePermissions.fromString("rwxr-xr-x"));
      }
      return Optional.empty();
    } catch (UnreachableException e) {
      FileTree.deleteContents(folder);
      return Optional.of(e.getMessage());
    }
  }

  private void downloadEtcd(Path folder) throws IOException, UnreachableException {
    String release = "%s/v%s/".formatted(etcd, ETCD_VERSION);
    String name = "etcd-v%s-%s".formatted(ETCD_VERSION, platform);
    String archive = name + ".tar.gz";
    URI sums = URI.create(release + "SHA256SUMS");
    String digest =
        text(sums)
            .lines()
            .filter(line -> line.endsWith(" " + archive))
            .map(line -> line.split(" ")[0])
            .findFirst()
            .orElseThrow(() -> new UnreachableException(sums + " does not name " + archive));
    Path downloaded = folder.resolve(archive);
    download(URI.create(release + archive), digest, downloaded);
    run(folder, "tar", "-xzf", archive, "--strip-components=1", name + "/etcd");
    Files.delete(downloaded);
  }

  private static void run(Path folder, String... command) throws IOException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String output;
    try (InputStream stream = process.getInputStream()) {
      output = new String(stream.readAllBytes());
    }
    if (process.onExit().join().exitValue() != 0) {
      throw new ControlPlaneException(String.join(" ", command) + ": " + output.strip());
    }
  }

  private String text(URI address) throws UnreachableException {
    return body(address, client.sendAsync(request(address), BodyHandlers.ofString()), () -> 0L);
  }

  private void download(URI address, String digest, Path file)
      throws IOException, UnreachableException {
    progress.accept("control plane: downloading " + address);
    Files.createFile(file);
    body(
        address,
        client.sendAsync(request(address), BodyHandlers.ofFile(file)),
        () -> file.toFile().length());
    String found = sha256(file);
    if (!found.equalsIgnoreCase(digest)) {
      throw new ControlPlaneException(
          "%s: its SHA-256 is %s, its publisher says %s; nothing of it is kept. Try again, or set"
                  .formatted(address, found, digest)
              + " SAFEGRAD_K8S_BIN to a folder that has "
              + String.join(", ", ControlPlaneBinaries.NAMES));
    }
  }

  private static HttpRequest request(URI address) {
    return HttpRequest.newBuilder(address).timeout(ANSWER).build();
  }

  /** Waits as long as bytes keep coming. */
  private static <T> T body(
      URI address, CompletableFuture<HttpResponse<T>> pending, LongSupplier size)
      throws UnreachableException {
    long last = -1;
    while (true) {
      try {
        HttpResponse<T> response = pending.get(STALLED_AFTER_SECONDS, TimeUnit.SECONDS);
        if (response.statusCode() != 200) {
          throw new UnreachableException(address + " answers " + response.statusCode());
        }
        return response.body();
      } catch (TimeoutException e) {
        long now = size.getAsLong();
        if (now == last) {
          pending.cancel(true);
          throw new UnreachableException(address + " has stopped sending");
        }
        last = now;
      } catch (ExecutionException e) {
        throw new UnreachableException(
            address.getHost() + " cannot be reached: " + e.getCause().getClass().getSimpleName());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ControlPlaneException("interrupted while downloading " + address, e);
      }
    }
  }

  static String sha256(Path file) throws IOException {
    try (InputStream stream = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int count = stream.read(buffer); count >= 0; count = stream.read(buffer)) {
        digest.update(buffer, 0, count);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private static final class UnreachableException extends Exception {
    UnreachableException(String message) {
      super(message);
    }
  }
}
