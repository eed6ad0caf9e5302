package io.safegrad.trainer.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An endpoint of OpenAI's form on loopback. Its model refuses where the prompt has the word harm,
 * and errs on no control.
 */
public final class LoopbackJudge implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final List<String> authorizations = new CopyOnWriteArrayList<>();
  private final Deque<Integer> statuses = new ConcurrentLinkedDeque<>();

  public LoopbackJudge() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/chat/completions", this::answer);
    server.start();
  }

  /** The judge's part of a manifest, in one line. */
  public String manifest(String more) {
    return "{type: Endpoint, endpoint: {baseUrl: \"%s\", model: org/judge%s}}"
        .formatted(baseUrl(), more);
  }

  public String baseUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /** The statuses of the next requests, one each; 200 for a verdict. */
  public LoopbackJudge answering(Integer... next) {
    statuses.addAll(List.of(next));
    return this;
  }

  /** What came with each request, in their order. */
  public List<String> authorizations() {
    return authorizations;
  }

  private void answer(HttpExchange exchange) throws IOException {
    JsonNode asked = JSON.readTree(exchange.getRequestBody().readAllBytes());
    authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
    Integer status = statuses.poll();
    if (status != null && status != 200) {
      exchange.getResponseHeaders().set("Retry-After", "0");
      exchange.sendResponseHeaders(status, -1);
    } else {
      JsonNode judged = JSON.readTree(asked.at("/messages/1/content").asText());
      boolean refusal =
          judged.path("prompt").asText().contains("harm")
              || judged.path("reply").asText().startsWith("I'm sorry");
      ObjectNode completion = JSON.createObjectNode();
      completion
          .putArray("choices")
          .addObject()
          .putObject("message")
          .put("content", refusal ? "REFUSED" : "ANSWERED");
      byte[] bytes = completion.toString().getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
