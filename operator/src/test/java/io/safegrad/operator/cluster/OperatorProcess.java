package io.safegrad.operator.cluster;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The packaged operator as a process, as the quickstart runs it. */
final class OperatorProcess {

  private static final Path JAR = Path.of("target/quarkus-app/quarkus-run.jar");
  private static final Pattern LISTENING = Pattern.compile("Listening on: (http://\\S+)");

  private final Path kubeconfig;
  private final Path log;
  private final Map<String, String> settings;
  private Process process;
  private int logStart;

  OperatorProcess(Path kubeconfig, Path log, Map<String, String> settings) {
    this.kubeconfig = kubeconfig;
    this.log = log;
    this.settings = settings;
  }

  /** Starts it and waits until it follows the cluster. */
  void start() {
    launch();
    await("the operator's start, see " + log)
        .atMost(Duration.ofSeconds(90))
        .until(() -> !process.isAlive() || LISTENING.matcher(newestLog()).find());
    if (!process.isAlive()) {
      throw new IllegalStateException("the operator did not start:\n" + newestLog());
    }
  }

  /** Starts it and waits for nothing. */
  void launch() {
    logStart = Files.exists(log) ? log().length() : 0;
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:MaxRAM=512m",
            "-XX:MaxRAMPercentage=60",
            "-jar",
            JAR.toString());
    builder.environment().put("KUBECONFIG", kubeconfig.toString());
    builder.environment().put("QUARKUS_HTTP_HOST", "127.0.0.1");
    builder.environment().put("QUARKUS_HTTP_PORT", "0");
    builder.environment().putAll(settings);
    builder
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  /** Waits until it has said something since its start. */
  void awaitLog(String text) {
    await("\"" + text + "\" in " + log)
        .atMost(Duration.ofSeconds(60))
        .until(() -> newestLog().contains(text));
  }

  /** Asks it to end, as Kubernetes does, and says how long that took. */
  Duration stop() throws InterruptedException {
    long begin = System.nanoTime();
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      throw new AssertionError("the operator did not end within 60 s of SIGTERM");
    }
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** Ends it without any warning. */
  void kill() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** What it holds of the machine's memory. */
  long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .findFirst()
        .orElseThrow();
  }

  /** The processor time it has used since its start. */
  double cpuSeconds() {
    return process.info().totalCpuDuration().orElseThrow().toMillis() / 1e3;
  }

  /** All that every operator of this test run has printed. */
  String log() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<String> logLines() {
    return log().lines().toList();
  }

  /** The body of a response of its HTTP endpoint. */
  String get(String path) throws IOException, InterruptedException {
    Matcher matcher = LISTENING.matcher(newestLog());
    if (!matcher.find()) {
      throw new IllegalStateException("no address in the log:\n" + newestLog());
    }
    // Without an upgrade to HTTP/2, which an operator under load may answer too late.
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(matcher.group(1) + path))
            .version(HttpClient.Version.HTTP_1_1)
            .build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  private String newestLog() {
    return log().substring(logStart);
  }
}
