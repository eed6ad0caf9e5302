package io.safegrad.monitoring;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What rules.yaml says. */
record AlertRules(List<Alert> alerts) {

  static final Path FILE = Path.of("rules.yaml");

  record Alert(
      String name,
      String expression,
      String severity,
      String summary,
      String description,
      String runbook) {}

  static AlertRules read() throws IOException {
    List<Alert> alerts = new ArrayList<>();
    for (JsonNode group : new YAMLMapper().readTree(FILE.toFile()).required("groups")) {
      for (JsonNode rule : group.required("rules")) {
        JsonNode annotations = rule.required("annotations");
        alerts.add(
            new Alert(
                rule.required("alert").textValue(),
                rule.required("expr").textValue(),
                rule.required("labels").required("severity").textValue(),
                annotations.required("summary").textValue(),
                annotations.required("description").textValue(),
                annotations.required("runbook_url").textValue()));
      }
    }
    return new AlertRules(alerts);
  }

  List<String> names() {
    return alerts.stream().map(Alert::name).toList();
  }
}
