package io.safegrad.operator.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Answers {@code /progress} at port 9400 of a loopback address as no trainer should. */
final class LyingTrainer implements AutoCloseable {

  /** What it does with a question. */
  enum Lie {
    /** Takes the connection and says nothing. */
    HANGS(null),
    /** Sends the answer's head and then a byte now and then, for ever. */
    NEVER_ENDS(null),
    /** Sends 100 MB. */
    FLOODS(null),
    NO_HTTP("SSH-2.0-OpenSSH_9.6\r\n"),
    WRONG_PAGE(http("<html><body>It works!</body></html>")),
    NO_NUMBERS(
        http(
            """
            {"stage": "TRAINING", "step": 3, "totalSteps": 40, "loss": NaN, "etaSeconds": "soon"}
            """)),
    HUGE_NUMBERS(
        http(
            """
            {"stage": "TRAINING", "step": 2147483646, "totalSteps": 2147483647, "etaSeconds": 1e300,
             "loss": 1.7e308, "alignmentLoss": -1.7e308, "conflictRatio": 0.1, "cosine": 1e300,
             "tokensPerSecond": 1e300, "interventions": 2147483647, "resumedAtStep": -2147483648,
             "memoryEstimateBytes": 9223372036854775807}
            """)),
    TOO_HUGE_NUMBERS(
        http("{\"stage\": \"TRAINING\", \"step\": 1e99, \"totalSteps\": 99999999999}")),
    NEGATIVE_NUMBERS(http("{\"stage\": \"TRAINING\", \"step\": -7, \"totalSteps\": -1}")),
    /** Each answer is behind the one before, in another stage. */
    GOES_BACK(null),
    BEYOND_THE_END(http("{\"stage\": \"TRAINING\", \"step\": 41, \"totalSteps\": 40}")),
    DEEP(http("{\"stage\": ".repeat(2000) + "1" + "}".repeat(2000)));

    /** Lies that may be true. */
    static final Set<Lie> TOLD = Set.of(HUGE_NUMBERS, GOES_BACK);

    private final String answer;

    Lie(String answer) {
      this.answer = answer;
    }

    private static String http(String body) {
      return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
          .formatted(body.length(), body);
    }
  }

  private static final int FLOOD_BYTES = 100_000_000;
  private static final String HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

  private final Lie lie;
  private final ServerSocket door;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger questions = new AtomicInteger();

  LyingTrainer(String address, Lie lie) throws IOException {
    this.lie = lie;
    this.door = new ServerSocket(9400, 50, InetAddress.getByName(address));
    ConnectionThread.start("lying-trainer", this::accept);
  }

  String address() {
    return door.getInetAddress().getHostAddress();
  }

  int questions() {
    return questions.get();
  }

  @Override
  public void close() throws IOException {
    door.close();
    for (Socket one : open) {
      one.close();
    }
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = door.accept();
      open.add(client);
      ConnectionThread.start("lying-trainer", () -> answer(client));
    }
  }

  private void answer(Socket client) throws IOException {
    try (client) {
      InputStream input = client.getInputStream();
      int last = 0;
      for (int read = input.read(); read >= 0; read = input.read()) {
        // An empty line ends a question.
        if (read == '\n' && last == '\n') {
          lie(client, questions.incrementAndGet());
          if (lie != Lie.HANGS) {
            return;
          }
        }
        last = read == '\r' ? last : read;
      }
    } finally {
      open.remove(client);
    }
  }

  private void lie(Socket client, int number) throws IOException {
    OutputStream output = client.getOutputStream();
    switch (lie) {
      case HANGS -> {}
      case NEVER_ENDS -> neverEnd(output);
      case FLOODS -> flood(output);
      case GOES_BACK -> {
        String stage = number % 2 == 0 ? "TRAINING" : "FINAL_EVALUATION";
        output.write(
            Lie.http(
                    "{\"stage\": \"%s\", \"step\": %d, \"totalSteps\": 1000}"
                        .formatted(stage, Math.max(0, 1000 - number)))
                .getBytes(StandardCharsets.US_ASCII));
      }
      default -> output.write(lie.answer.getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static void flood(OutputStream output) throws IOException {
    output.write(HEAD.getBytes(StandardCharsets.US_ASCII));
    byte[] water = " ".repeat(1 << 16).getBytes(StandardCharsets.US_ASCII);
    for (int sent = 0; sent < FLOOD_BYTES; sent += water.length) {
      output.write(water);
    }
  }

  private static void neverEnd(OutputStream output) throws IOException {
    output.write(HEAD.getBytes(StandardCharsets.US_ASCII));
    while (true) {
      output.write(' ');
      output.flush();
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
