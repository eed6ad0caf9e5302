package io.safegrad.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.controlplane.ChildProcess;
import io.safegrad.monitoring.PrometheusBinaries;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** A real Prometheus as a process of this machine. */
final class PrometheusServer implements AutoCloseable {

  private static final String LOOPBACK = "127.0.0.1";
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One series of an answer.
   *
   * @param labels its labels, the metric's name among them
   * @param points its values by time
   */
  record Series(Map<String, String> labels, TreeMap<Instant, Double> points) {}

  private final ChildProcess process;
  private final String address;
  private final HttpClient client = HttpClient.newHttpClient();

  private PrometheusServer(ChildProcess process, String address) {
    this.process = process;
    this.address = address;
  }

  /**
   * Starts it; {@link #isReady} tells when it answers.
   *
   * @param configuration the text of prometheus.yml
   * @param folder receives that file, the data and a log
   */
  static PrometheusServer start(String configuration, Path folder) throws IOException {
    Files.createDirectories(folder);
    Path file = Files.writeString(folder.resolve("prometheus.yml"), configuration);
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
      port = socket.getLocalPort();
    }
    Path program = PrometheusBinaries.resolve(System.out::println).resolve("prometheus");
    List<String> command =
        List.of(
            program.toString(),
            "--config.file=" + file,
            "--storage.tsdb.path=" + folder.resolve("data"),
            "--web.listen-address=" + LOOPBACK + ":" + port);
    return new PrometheusServer(
        ChildProcess.start(
            command,
            System.getenv(),
            folder,
            folder.resolve("prometheus.log"),
            Duration.ofSeconds(10)),
        "http://" + LOOPBACK + ":" + port);
  }

  boolean isReady() {
    try {
      HttpRequest request = HttpRequest.newBuilder(URI.create(address + "/-/ready")).build();
      return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The values of an expression over a time. */
  List<Series> range(String expression, Instant from, Instant to, Duration step) {
    JsonNode result =
        get("/api/v1/query_range?query=%s&start=%d&end=%d&step=%d"
                .formatted(
                    encoded(expression),
                    from.getEpochSecond(),
                    to.getEpochSecond(),
                    step.toSeconds()))
            .get("result");
    List<Series> series = new ArrayList<>();
    for (JsonNode one : result) {
      TreeMap<Instant, Double> points = new TreeMap<>();
      for (JsonNode point : one.get("values")) {
        String value = point.get(1).textValue();
        if (!value.equals("NaN") && !value.endsWith("Inf")) {
          points.put(Instant.ofEpochSecond(point.get(0).longValue()), Double.valueOf(value));
        }
      }
      if (!points.isEmpty()) {
        series.add(new Series(texts(one.get("metric")), points));
      }
    }
    return series;
  }

  /** The values that a label of some series has. */
  Set<String> labelValues(String series, String label) {
    Set<String> values = new TreeSet<>();
    get("/api/v1/label/%s/values?match[]=%s"
            .formatted(label, encoded(series))
            .replace("[]", "%5B%5D"))
        .forEach(value -> values.add(value.textValue()));
    return values;
  }

  /** What is wrong with the alert rules; empty when nothing is. */
  List<String> ruleErrors() {
    List<String> errors = new ArrayList<>();
    for (JsonNode group : get("/api/v1/rules").get("groups")) {
      for (JsonNode rule : group.get("rules")) {
        if (!rule.get("health").textValue().equals("ok")) {
          errors.add(rule.get("name").textValue() + ": " + rule.path("lastError").asText());
        }
      }
    }
    return errors;
  }

  /** The labels of each alert that fires. */
  List<Map<String, String>> firing() {
    List<Map<String, String>> firing = new ArrayList<>();
    for (JsonNode alert : get("/api/v1/alerts").get("alerts")) {
      if (alert.get("state").textValue().equals("firing")) {
        firing.add(texts(alert.get("labels")));
      }
    }
    return firing;
  }

  @Override
  public void close() {
    process.close();
  }

  private JsonNode get(String path) {
    try {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(URI.create(address + path)).build(),
              HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IllegalStateException(path + ": " + response.body());
      }
      return JSON.readTree(response.body()).get("data");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Map<String, String> texts(JsonNode node) {
    Map<String, String> texts = new TreeMap<>();
    node.fields().forEachRemaining(one -> texts.put(one.getKey(), one.getValue().textValue()));
    return texts;
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
