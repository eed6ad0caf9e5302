package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.TrainingPlan;
import io.safegrad.trainer.report.ReportPage;
import io.safegrad.trainer.report.RunReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether a report says the same as the provenance beside it, so that one vouches for both. */
final class ReportCheck {

  private static final ObjectMapper JSON = new ObjectMapper();

  private ReportCheck() {}

  static List<Finding> of(Path file, Statement statement) throws IOException {
    JsonNode report;
    try {
      report = JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      return List.of(wrong("", "it is no JSON"));
    }
    Statement.BuildDefinition definition = statement.predicate().buildDefinition();
    List<Finding> findings = new ArrayList<>();
    plan(report.path("plan"), definition.externalParameters().plan(), findings);
    compare(
        " inputs",
        digests(report.path("inputs"), "field"),
        digests(definition.resolvedDependencies(), Provenance.CODE),
        findings);
    if (!report.path("artifact").isNull()) {
      Map<String, String> published = digests(statement.subject(), RunReport.FILE_NAME);
      published.remove(ReportPage.FILE_NAME);
      compare(
          " artifact.files",
          digests(report.path("artifact").path("files"), "name"),
          published,
          findings);
    }
    return findings;
  }

  private static void plan(JsonNode found, TrainingPlan expected, List<Finding> findings) {
    String named = found.path("digest").asText();
    try {
      String computed = JSON.treeToValue(found, TrainingPlan.class).computeDigest();
      if (!computed.equals(named)) {
        findings.add(
            wrong(" plan", "its digest is %s, the plan says %s".formatted(computed, named)));
      } else if (!computed.equals(expected.computeDigest())
          || !computed.equals(expected.digest())) {
        findings.add(wrong(" plan", "it is another plan than that of the provenance"));
      } else {
        findings.add(Finding.ok(RunReport.FILE_NAME + " plan", named));
      }
    } catch (JsonProcessingException | IllegalArgumentException e) {
      findings.add(wrong(" plan", "expected a plan"));
    }
  }

  private static void compare(
      String part,
      Map<String, String> found,
      Map<String, String> expected,
      List<Finding> findings) {
    List<String> different = new ArrayList<>();
    expected.forEach(
        (name, digest) -> {
          if (!digest.equals(found.get(name))) {
            different.add(name);
          }
        });
    found.keySet().stream().filter(name -> !expected.containsKey(name)).forEach(different::add);
    findings.add(
        different.isEmpty()
            ? Finding.ok(RunReport.FILE_NAME + part, "as in the provenance")
            : wrong(
                part, "these are not what the provenance has: " + String.join(", ", different)));
  }

  private static Map<String, String> digests(JsonNode list, String name) {
    Map<String, String> digests = new TreeMap<>();
    list.forEach(each -> digests.put(each.path(name).asText(), each.path("digest").asText()));
    return digests;
  }

  private static Map<String, String> digests(List<Statement.Resource> resources, String without) {
    Map<String, String> digests = new TreeMap<>();
    resources.forEach(each -> digests.put(each.name(), each.sha256()));
    digests.remove(without);
    return digests;
  }

  private static Finding wrong(String part, String message) {
    return Finding.wrong(RunReport.FILE_NAME + part, message);
  }
}
