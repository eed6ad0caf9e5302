package io.safegrad.local;

import io.safegrad.controlplane.ChildProcess;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * The operator outside the cluster, as a process of this machine. When it ends by itself it is
 * started again, as a Deployment's pod would be.
 */
final class OperatorProcess implements AutoCloseable {

  private static final Duration GRACE = Duration.ofSeconds(10);
  private static final Duration START_TIMEOUT = Duration.ofMinutes(2);
  private static final Duration RESTART_DELAY = Duration.ofSeconds(1);
  private static final int TIMEOUT_MILLIS = 2_000;
  private static final String LOOPBACK = "127.0.0.1";

  private final Supplier<ChildProcess> program;
  private final Path log;
  private final String address;
  private ChildProcess process;
  private boolean closed;

  private OperatorProcess(Supplier<ChildProcess> program, Path log, String address) {
    this.program = program;
    this.log = log;
    this.address = address;
    launch();
  }

  /**
   * Starts the operator and waits until it is ready.
   *
   * @param jar its program
   * @param folder where it runs and writes {@code operator.log}
   * @throws LocalException when it does not become ready, with the end of its log
   */
  static OperatorProcess start(Path jar, Path kubeconfig, Path folder) {
    try {
      int port = freePort();
      Map<String, String> environment = new HashMap<>(System.getenv());
      environment.put("KUBECONFIG", kubeconfig.toString());
      environment.put("QUARKUS_HTTP_HOST", LOOPBACK);
      environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
      environment.put("SAFEGRAD_TRAINER_IMAGE", Repository.TRAINER_IMAGE);
      // A run on this machine takes seconds, not hours.
      environment.put("SAFEGRAD_PROGRESS_POLL_INTERVAL", "500ms");
      environment.put("SAFEGRAD_PROGRESS_STATUS_INTERVAL", "1s");
      Path log = folder.resolve("operator.log");
      List<String> command = command(jar);
      OperatorProcess operator =
          new OperatorProcess(
              () -> ChildProcess.start(command, environment, folder, log, GRACE),
              log,
              "http://%s:%d".formatted(LOOPBACK, port));
      operator.awaitReady();
      return operator;
    } catch (IOException e) {
      throw new LocalException("the operator cannot be started: " + e);
    }
  }

  /** How the program is run: a quick start and little memory count most. */
  static List<String> command(Path jar) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Xmx256m",
        "-jar",
        jar.toString());
  }

  /** Where it serves {@code /metrics} and {@code /q/health}. */
  String address() {
    return address;
  }

  Path log() {
    return log;
  }

  /** Ends it as a crash would. */
  void kill() {
    ChildProcess killed = current();
    killed.kill();
    killed.exitCode().join();
  }

  @Override
  public void close() {
    ChildProcess last;
    synchronized (this) {
      closed = true;
      last = process;
    }
    last.close();
  }

  private synchronized ChildProcess current() {
    return process;
  }

  private synchronized void launch() {
    if (closed) {
      return;
    }
    process = program.get();
    Executor later =
        CompletableFuture.delayedExecutor(RESTART_DELAY.toMillis(), TimeUnit.MILLISECONDS);
    process.exitCode().thenRunAsync(this::launch, later);
  }

  private void awaitReady() throws IOException {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!isReady()) {
      if (!current().isAlive() || System.nanoTime() > deadline) {
        close();
        List<String> lines = Files.readAllLines(log);
        throw new LocalException(
            "the operator did not become ready; the end of %s:%n  %s"
                .formatted(
                    log,
                    String.join(
                        "\n  ", lines.subList(Math.max(0, lines.size() - 15), lines.size()))));
      }
      if (Thread.interrupted()) {
        close();
        throw new CancellationException("interrupted while the operator started");
      }
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  private boolean isReady() {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) URI.create(address + "/q/health/ready").toURL().openConnection();
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      return connection.getResponseCode() == HttpURLConnection.HTTP_OK;
    } catch (IOException e) {
      return false;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
      return socket.getLocalPort();
    }
  }
}
