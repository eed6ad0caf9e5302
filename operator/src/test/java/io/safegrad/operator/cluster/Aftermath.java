package io.safegrad.operator.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Attempt;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** What every failure leaves behind is held to this. */
final class Aftermath {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> ENDS = Set.of("Succeeded", "GateRefused", "Failed");
  private static final int CREATED = 201;

  /** What the API server notes when whoever asked is gone; it may have done it all the same. */
  private static final int CANCELLED = 504;

  private final Batch batch;
  private final KubernetesClient client;
  private final List<String> wrong = new ArrayList<>();
  private final Map<Phase, Integer> phases = new EnumMap<>(Phase.class);
  private int writes;

  private Aftermath(Cluster cluster, Batch batch) {
    this.batch = batch;
    this.client = cluster.client();
  }

  /** Looks at a batch whose runs have ended, or should have. */
  static Aftermath of(Cluster cluster, Batch batch) throws IOException {
    Aftermath found = new Aftermath(cluster, batch);
    Map<String, Integer> jobs = found.jobsCreated(cluster);
    Map<String, Integer> told = found.endsTold();
    Set<String> seen = new HashSet<>();
    for (SafeFineTune run : batch.runs()) {
      String name = run.getMetadata().getName();
      seen.add(name);
      found.check(run, batch.ending(name));
      found.expect(name, "Jobs created", 1, jobs.getOrDefault(name, 0));
      found.expect(name, "events that tell its end", 1, told.getOrDefault(name, 0));
    }
    batch.endings().keySet().stream()
        .filter(name -> !seen.contains(name))
        .forEach(name -> found.wrong.add(name + ": is gone"));
    return found;
  }

  /** What is not as it must be, a sentence each. */
  List<String> wrong() {
    return wrong;
  }

  Map<Phase, Integer> phases() {
    return phases;
  }

  /** The operator's writes to the API server for each run, dry runs left out. */
  double writesPerRun() {
    return (double) writes / Math.max(1, batch.endings().size());
  }

  private void check(SafeFineTune run, Ending ending) {
    String name = run.getMetadata().getName();
    SafeFineTuneStatus status = run.getStatus();
    if (status == null || status.phase() == null) {
      wrong.add(name + ": has no status");
      return;
    }
    phases.merge(status.phase(), 1, Integer::sum);
    expect(name, "phase", ending.phase(), status.phase());
    for (String type : List.of("Succeeded", "Ready")) {
      expect(name, type, ending.reason(), reason(status, type));
    }
    boolean published = status.artifact() != null && status.artifact().uri() != null;
    expect(name, "published", ending.phase() == Phase.Succeeded, published);
    List<Attempt> attempts = status.attempts() == null ? List.of() : status.attempts();
    expect(name, "attempts", ending.attempts(), attempts.size());
    long successes = attempts.stream().filter(one -> "Success".equals(one.reason())).count();
    if (ending.phase() == Phase.Succeeded) {
      expect(name, "successful attempts", 1L, successes);
    }
  }

  private void expect(String run, String what, Object expected, Object found) {
    if (!expected.equals(found)) {
      wrong.add("%s: %s is %s, expected %s".formatted(run, what, found, expected));
    }
  }

  private static String reason(SafeFineTuneStatus status, String type) {
    return status.conditions().stream()
        .filter(condition -> type.equals(condition.getType()))
        .map(Condition::getReason)
        .findFirst()
        .orElse("none");
  }

  private Map<String, Integer> endsTold() {
    Map<String, Integer> told = new HashMap<>();
    for (Event event : client.v1().events().inNamespace(batch.namespace()).list().getItems()) {
      if (ENDS.contains(event.getReason())) {
        told.merge(event.getInvolvedObject().getName(), 1, Integer::sum);
      }
    }
    return told;
  }

  /** What the API server noted of the operator: Jobs that it really made, and all its writes. */
  private Map<String, Integer> jobsCreated(Cluster cluster) throws IOException {
    Map<String, Integer> created = new HashMap<>();
    Set<String> cancelled = new HashSet<>();
    try (Stream<String> lines = Files.lines(cluster.auditLog())) {
      for (String line : (Iterable<String>) lines::iterator) {
        JsonNode request = line.endsWith("}") ? JSON.readTree(line) : JSON.createObjectNode();
        JsonNode object = request.path("objectRef");
        if (!object.path("namespace").asText().equals(batch.namespace())
            || !Set.of("create", "update", "patch", "delete")
                .contains(request.path("verb").asText())
            || request.path("requestURI").asText().contains("dryRun")) {
          continue;
        }
        writes++;
        int code = request.at("/responseStatus/code").asInt();
        if (!object.path("resource").asText().equals("jobs")
            || !request.path("verb").asText().equals("create")) {
          continue;
        }
        if (code == CREATED) {
          created.merge(object.path("name").asText(), 1, Integer::sum);
        } else if (code == CANCELLED) {
          cancelled.add(object.path("name").asText());
        }
      }
    }
    cancelled.stream()
        .filter(name -> !created.containsKey(name))
        .filter(
            name ->
                client.resources(Job.class).inNamespace(batch.namespace()).withName(name).get()
                    != null)
        .forEach(name -> created.put(name, 1));
    return created;
  }
}
