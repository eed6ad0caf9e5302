package io.safegrad.operator.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the operator asked of the API server for runs, by the audit log. */
final class RequestTally {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** One answered request; the run is null for what concerns no single one. */
  private record Request(String what, String run, Instant received, Instant answered) {}

  private final List<Request> requests;
  private final Map<String, Instant> jobs = new HashMap<>();

  private RequestTally(List<Request> requests) {
    this.requests = requests;
    requests.stream()
        .filter(one -> one.run() != null && one.what().equals("create jobs"))
        .forEach(one -> jobs.putIfAbsent(one.run(), one.answered()));
  }

  /**
   * Reads what concerns these runs.
   *
   * @param runs as namespace/name
   */
  static RequestTally of(Path auditLog, Predicate<String> runs) throws IOException {
    List<Request> found = new ArrayList<>();
    try (Stream<String> lines = Files.lines(auditLog)) {
      for (String line : (Iterable<String>) lines::iterator) {
        // The last line may not have been written to its end.
        if (line.endsWith("}")) {
          request(JSON.readTree(line))
              .filter(one -> one.run() == null || runs.test(one.run()))
              .ifPresent(found::add);
        }
      }
    }
    return new RequestTally(found);
  }

  /** How many for each run until its Job was there, by verb and resource; most first. */
  String before() {
    return table(one -> one.run() != null && !isLater(one));
  }

  /** How many for each run from then on. */
  String after() {
    return table(one -> one.run() != null && isLater(one));
  }

  /** How many that concern no single run, for each run, watches left out. */
  String shared() {
    return table(one -> one.run() == null && !one.what().startsWith("watch"));
  }

  private boolean isLater(Request one) {
    return jobs.containsKey(one.run()) && one.received().isAfter(jobs.get(one.run()));
  }

  private String table(Predicate<Request> which) {
    Map<String, Long> counts =
        requests.stream()
            .filter(which)
            .collect(Collectors.groupingBy(Request::what, TreeMap::new, Collectors.counting()));
    double runs = Math.max(1, jobs.size());
    double all = counts.values().stream().mapToLong(count -> count).sum() / runs;
    return "%.1f: ".formatted(all)
        + counts.entrySet().stream()
            .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
            .map(entry -> "%s %.2f".formatted(entry.getKey(), entry.getValue() / runs))
            .collect(Collectors.joining(", "));
  }

  private static Optional<Request> request(JsonNode line) {
    if (!line.path("stage").asText().equals("ResponseComplete")) {
      return Optional.empty();
    }
    JsonNode object = line.path("objectRef");
    String resource = object.path("resource").asText();
    String subresource = object.path("subresource").asText();
    String what =
        line.path("verb").asText()
            + " "
            + resource
            + (subresource.isEmpty() ? "" : "/" + subresource)
            + (line.path("requestURI").asText().contains("dryRun") ? " (dry run)" : "");
    String name = object.path("name").asText();
    return Optional.of(
        new Request(
            what,
            name.isEmpty() || !object.has("namespace") || resource.equals("namespaces")
                ? null
                : object.path("namespace").asText() + "/" + run(resource, name),
            Instant.parse(line.path("requestReceivedTimestamp").asText()),
            Instant.parse(line.path("stageTimestamp").asText())));
  }

  /** The run that an object belongs to, by its name. */
  private static String run(String resource, String name) {
    return switch (resource) {
      case "configmaps" -> name.replaceFirst("-plan$", "");
      case "events" -> name.replaceFirst("\\.[0-9a-f]{16}$", "");
      default -> name;
    };
  }
}
