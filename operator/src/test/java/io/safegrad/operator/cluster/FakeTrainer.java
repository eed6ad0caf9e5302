package io.safegrad.operator.cluster;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers {@code /progress} at port 9400 of a loopback address, as a trainer's pod would. */
final class FakeTrainer implements AutoCloseable {

  private final String address;
  private final HttpServer server;
  private final AtomicInteger questions = new AtomicInteger();
  private volatile String answer = "";

  FakeTrainer(String address) throws IOException {
    this.address = address;
    this.server = HttpServer.create(new InetSocketAddress(address, 9400), 0);
    server.createContext(
        "/progress",
        exchange -> {
          int number = questions.incrementAndGet();
          byte[] body = answer.replace("NUMBER", "" + number).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  String address() {
    return address;
  }

  int questions() {
    return questions.get();
  }

  void answers(String json) {
    answer = json;
  }

  /** Every answer from now on is a step further. */
  void counts() {
    answer = "{\"stage\": \"TRAINING\", \"step\": NUMBER, \"totalSteps\": 100000}";
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
