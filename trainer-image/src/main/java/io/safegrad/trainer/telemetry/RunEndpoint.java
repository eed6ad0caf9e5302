package io.safegrad.trainer.telemetry;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.safegrad.api.Approval;
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
 * /metrics} with Prometheus text and {@code GET /healthz} with {@code ok}. Takes an {@link
 * Approval} by {@code POST /approval}: 204 when it is what the run waits for, 409 when it is not,
 * 400 when it is none.
 */
public final class RunEndpoint implements AutoCloseable {

  private static final int BACKLOG = 16;
  private static final int LONGEST_APPROVAL = 64 * 1024;
  private static final String TEXT = "text/plain; charset=utf-8";

  private final HttpServer server;
  private final ExecutorService executor;
  private final ProgressTracker progress;
  private final PrometheusRegistry registry;
  private final ApprovalDesk desk;
  private final ObjectMapper json = FiniteJson.compact();
  private final PrometheusTextFormatWriter metricsWriter = PrometheusTextFormatWriter.create();

  private record Answer(int status, String contentType, byte[] body) {}

  /**
   * Listens until it is closed.
   *
   * @param port 0 for any free port
   * @param desk takes the answers to the run's question whether it may publish
   * @throws TrainerException with INTERNAL when the port is taken or the address is not this
   *     machine's
   */
  public RunEndpoint(
      String address,
      int port,
      ProgressTracker progress,
      PrometheusRegistry registry,
      ApprovalDesk desk) {
    this.progress = progress;
    this.registry = registry;
    this.desk = desk;
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
      Answer answer = answer(exchange);
      exchange.getResponseHeaders().set("Content-Type", answer.contentType());
      boolean bare = exchange.getRequestMethod().equals("HEAD") || answer.body().length == 0;
      exchange.sendResponseHeaders(answer.status(), bare ? -1 : answer.body().length);
      if (!bare) {
        exchange.getResponseBody().write(answer.body());
      }
    }
  }

  private Answer answer(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getPath();
    if (method.equals("POST") && path.equals("/approval")) {
      return approval(exchange.getRequestBody().readNBytes(LONGEST_APPROVAL + 1));
    }
    if (!method.equals("GET") && !method.equals("HEAD")) {
      return text(405, "expected GET, or POST of /approval\n");
    }
    return switch (path) {
      case "/progress" ->
          new Answer(200, "application/json", json.writeValueAsBytes(progress.progress()));
      case "/metrics" -> new Answer(200, metricsWriter.getContentType(), metrics());
      case "/healthz" -> text(200, "ok\n");
      default -> text(404, "expected /progress, /metrics or /healthz\n");
    };
  }

  private Answer approval(byte[] body) {
    if (body.length > LONGEST_APPROVAL) {
      return text(413, "expected at most %d bytes\n".formatted(LONGEST_APPROVAL));
    }
    Approval approval;
    try {
      approval = json.readValue(body, Approval.class);
    } catch (IOException e) {
      return text(400, "expected an approval: planDigest, approved, failures\n");
    }
    return approval != null && desk.answer(approval)
        ? text(204, "")
        : text(409, "the run does not ask, or runs another plan\n");
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
