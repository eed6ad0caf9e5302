package io.safegrad.trainer.telemetry;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.FiniteJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Answers {@code GET /progress} with a {@link io.safegrad.api.TrainingProgress} as JSON, {@code GET
 * /metrics} with Prometheus text and {@code GET /healthz} with {@code ok}.
 */
public final class RunEndpoint implements AutoCloseable {

  private static final int BACKLOG = 16;
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HttpServer server;
  private final ExecutorService executor;
  private final ProgressTracker progress;
  private final PrometheusRegistry registry;
  private final ObjectMapper json = FiniteJson.compact();
  private final PrometheusTextFormatWriter metricsWriter = PrometheusTextFormatWriter.create();

  private record Answer(int status, String contentType, byte[] body) {}

  /**
   * Listens until it is closed.
   *
   * @param port 0 for any free port
   * @throws TrainerException with INTERNAL when the port is taken or the address is not this
   *     machine's
   */
  public RunEndpoint(
      String address, int port, ProgressTracker progress, PrometheusRegistry registry) {
    this.progress = progress;
    this.registry = registry;
    try {
      server =
          HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), port), BACKLOG);
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL,
          "cannot listen on %s port %d: %s".formatted(address, port, e.getMessage()),
          e);
    }
    executor =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "run-endpoint");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(executor);
    server.createContext("/", this::handle);
    server.start();
  }

  /** The port it listens on. */
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdown();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Answer answer = answer(exchange.getRequestMethod(), exchange.getRequestURI().getPath());
      exchange.getResponseHeaders().set("Content-Type", answer.contentType());
      boolean head = exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(answer.status(), head ? -1 : answer.body().length);
      if (!head) {
        exchange.getResponseBody().write(answer.body());
      }
    }
  }

  private Answer answer(String method, String path) throws IOException {
    if (!method.equals("GET") && !method.equals("HEAD")) {
      return text(405, "only GET is answered\n");
    }
    return switch (path) {
      case "/progress" ->
          new Answer(200, "application/json", json.writeValueAsBytes(progress.progress()));
      case "/metrics" -> new Answer(200, metricsWriter.getContentType(), metrics());
      case "/healthz" -> text(200, "ok\n");
      default -> text(404, "expected /progress, /metrics or /healthz\n");
    };
  }

  private byte[] metrics() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    metricsWriter.write(out, registry.scrape(), EscapingScheme.UNDERSCORE_ESCAPING);
    return out.toByteArray();
  }

  private static Answer text(int status, String text) {
    return new Answer(status, TEXT, text.getBytes(StandardCharsets.UTF_8));
  }
}
