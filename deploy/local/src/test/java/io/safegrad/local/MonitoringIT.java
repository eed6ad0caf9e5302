package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import io.safegrad.local.PrometheusServer.Series;
import io.safegrad.monitoring.dashboards.Dashboard;
import io.safegrad.monitoring.dashboards.Dashboard.Variable;
import io.safegrad.monitoring.dashboards.Dashboards;
import io.safegrad.monitoring.dashboards.Panel;
import io.safegrad.monitoring.dashboards.Panel.Query;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A real Prometheus scrapes the trainers' pods and the operator and evaluates the alert rules,
 * while a run is published, one is refused by its gate and one breaks a policy. {@code
 * -Dpictures.write=true} draws the panels into docs/monitoring.
 */
class MonitoringIT {

  private static final String NAMESPACE = "team-a";
  private static final String CLAIM = "adapters";
  private static final String PUBLISHED = "support-bot";
  private static final String REFUSED = "careless-bot";
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Duration STEP = Duration.ofSeconds(1);
  private static final Path REPOSITORY = Path.of("..", "..").toAbsolutePath().normalize();
  private static final Path MONITORING = REPOSITORY.resolve("deploy/monitoring");
  private static final Path FOLDER = Path.of("target", "monitoring").toAbsolutePath();

  private static final Path TARGETS = FOLDER.resolve("discovered/targets.json");

  private static LocalCluster cluster;
  private static PodTargets targets;
  private static PrometheusServer prometheus;
  private static Instant begin;
  private static Instant end;

  @BeforeAll
  static void watchSomeRuns() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.start(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(REPOSITORY),
            System.out::println);
    cluster.createNamespaceWithClaim(NAMESPACE, CLAIM);
    targets = new PodTargets(cluster.client(), TARGETS);
    begin = Instant.now();
    prometheus = PrometheusServer.start(configuration(), FOLDER.resolve("prometheus"));
    await().atMost(Duration.ofSeconds(60)).until(prometheus::isReady);
    await().atMost(PATIENCE).until(() -> !prometheus.labelValues("safegrad_runs", "job").isEmpty());
    // Held back when the policy comes: it is the operator that meets the violation.
    apply("violator", "method: {name: Sft}", "suspend: true");
    awaitPhase("violator", Phase.Suspended);
    apply(
        REFUSED,
        "method: {name: Sft}",
        "training: {maxSteps: 40, maxLength: 64, learningRate: 3e-3}",
        "safety: {evaluation: {everySteps: 20}}");
    awaitEnd(REFUSED, Phase.Rejected);
    applyPolicy();
    apply(
        PUBLISHED,
        "method: {name: SafeGrad, alignmentBatchSize: 8}",
        "training: {maxSteps: 60, batchSize: 8, maxLength: 128, learningRate: 3e-3}",
        "safety: {alignment: {heldOutFraction: 0.1}, evaluation: {everySteps: 20, task:"
            + " \"builtin://sentiment-test\"}}");
    awaitEnd(PUBLISHED, Phase.Succeeded);
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                !prometheus
                    .range(
                        "safegrad_gate_verdicts_total{verdict=\"held\"} > 0",
                        begin,
                        Instant.now(),
                        STEP)
                    .isEmpty());
    end = Instant.now();
  }

  @AfterAll
  static void stop() {
    if (prometheus != null) {
      prometheus.close();
    }
    if (targets != null) {
      targets.close();
    }
    cluster.close();
    assertThat(Processes.in(FOLDER)).isEmpty();
  }

  static List<Dashboard> dashboards() {
    return Dashboards.all();
  }

  @ParameterizedTest
  @MethodSource("dashboards")
  void everyVariableResolvesAndEveryQueryReturnsData(Dashboard dashboard) throws IOException {
    Map<String, String> chosen = chosen(dashboard);
    List<String> empty = new ArrayList<>();
    Map<Panel, Map<Query, List<Series>>> all = new LinkedHashMap<>();
    for (Panel panel : dashboard.panels()) {
      Map<Query, List<Series>> answers = new LinkedHashMap<>();
      for (Query query : panel.queries()) {
        List<Series> series =
            prometheus.range(resolved(query.expression(), chosen), begin, end, STEP);
        answers.put(query, series);
        if (series.isEmpty()) {
          empty.add(panel.title() + ": " + query.expression());
        }
      }
      all.put(panel, answers);
    }
    if (Boolean.getBoolean("pictures.write")) {
      PanelPicture.write(dashboard, all, REPOSITORY.resolve("docs/monitoring"));
    }
    assertThat(empty).as("queries without data").isEmpty();
  }

  @Test
  void theAlertsOfWhatHappenedFireAndNoOthers() {
    assertThat(prometheus.ruleErrors()).isEmpty();
    await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(prometheus.firing())
                    .extracting(alert -> alert.get("alertname"))
                    .containsExactly("SafeGradGateRefused"));
    assertThat(prometheus.firing().get(0)).containsEntry("run_namespace", NAMESPACE);
    assertThat(
            prometheus.range(
                "ALERTS{alertname=\"SafeGradRefusalDropped\",alertstate=\"firing\"}",
                begin,
                end,
                STEP))
        .as("fired while the run trained")
        .allSatisfy(series -> assertThat(series.labels()).containsEntry("run", REFUSED))
        .isNotEmpty();
  }

  /** What a person would choose: everything, and of the runs the one that was published. */
  private static Map<String, String> chosen(Dashboard dashboard) {
    Map<String, String> chosen = new LinkedHashMap<>();
    for (Variable variable : dashboard.variables()) {
      String query = resolved(variable.query(), chosen);
      String series = query.replaceFirst("^label_values\\((.*), \\w+\\)$", "$1");
      String label = query.replaceFirst("^label_values\\(.*, (\\w+)\\)$", "$1");
      Set<String> values = prometheus.labelValues(series, label);
      assertThat(values).as(query).isNotEmpty();
      chosen.put(
          variable.name(),
          variable.name().equals("run") && values.contains(PUBLISHED)
              ? PUBLISHED
              : "(" + String.join("|", values) + ")");
    }
    return chosen;
  }

  private static String resolved(String text, Map<String, String> chosen) {
    String resolved = text.replace("$__rate_interval", "10s").replace("$__range", "5m");
    for (Map.Entry<String, String> variable : chosen.entrySet()) {
      resolved = resolved.replace("$" + variable.getKey(), variable.getValue());
    }
    return resolved;
  }

  /** scrape.yaml in Prometheus' own words, as the Prometheus Operator would write it. */
  private static String configuration() throws IOException {
    URI operator = URI.create(cluster.operator().address());
    return """
    global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
    rule_files: ["%s"]
    scrape_configs:
      - job_name: trainers
        file_sd_configs: [{files: ["%s"]}]
        relabel_configs:
          - {source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name], regex: safegrad-trainer, action: keep}
          - {source_labels: [__meta_kubernetes_pod_phase], regex: Running, action: keep}
          - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
          - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
    %s
      - job_name: operator
        static_configs:
          - targets: ["%s"]
            labels: {namespace: safegrad-system, pod: safegrad-operator}
    """
        .formatted(
            MONITORING.resolve("rules.yaml"),
            TARGETS,
            trainerRelabelings().indent(6).stripTrailing(),
            operator.getAuthority());
  }

  private static String trainerRelabelings() throws IOException {
    YAMLMapper yaml = new YAMLMapper();
    StringBuilder lines = new StringBuilder();
    try (InputStream stream = Files.newInputStream(MONITORING.resolve("scrape.yaml"))) {
      JsonNode monitor = yaml.readerFor(JsonNode.class).<JsonNode>readValues(stream).next();
      assertThat(monitor.at("/metadata/name").textValue()).isEqualTo("safegrad-trainer");
      for (JsonNode relabeling : monitor.at("/spec/podMetricsEndpoints/0/relabelings")) {
        ObjectNode line = yaml.createObjectNode();
        line.set("target_label", relabeling.required("targetLabel"));
        if (relabeling.has("sourceLabels")) {
          line.set("source_labels", relabeling.get("sourceLabels"));
        } else {
          line.set("replacement", relabeling.required("replacement"));
        }
        lines.append("- ").append(line).append('\n');
      }
    }
    return lines.toString();
  }

  private static void apply(String name, String... specLines) throws IOException {
    Path manifest = FOLDER.resolve(name + ".yaml");
    Files.writeString(
        manifest,
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: %s}
        spec:
          model: {source: "builtin://tiny-aligned"}
          dataset: {source: "builtin://sentiment-poisoned-%s", validationFraction: 0.05}
          output: {destination: "pvc://adapters/%s"}
        """
                .formatted(name, name.equals(REFUSED) ? "100" : "10", name)
            + String.join("\n", specLines).indent(2));
    cluster.apply(manifest, NAMESPACE);
  }

  private static void applyPolicy() {
    cluster
        .client()
        .load(
            new ByteArrayInputStream(
                """
                apiVersion: safegrad.io/v1alpha1
                kind: SafetyPolicy
                metadata: {name: platform}
                spec: {requiredMethod: SafeGrad}
                """
                    .getBytes(StandardCharsets.UTF_8)))
        .create();
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                status("violator").conditions().stream()
                    .anyMatch(condition -> "PolicyViolation".equals(condition.getReason())));
  }

  private static void awaitPhase(String name, Phase phase) {
    await().atMost(PATIENCE).until(() -> status(name) != null && status(name).phase() == phase);
  }

  private static void awaitEnd(String name, Phase expected) {
    await()
        .atMost(PATIENCE)
        .until(
            () ->
                status(name) != null
                    && status(name).phase() != null
                    && status(name).phase().isTerminal());
    assertThat(status(name).phase()).as(status(name).conditions().toString()).isEqualTo(expected);
  }

  private static SafeFineTuneStatus status(String name) {
    return cluster
        .client()
        .resources(SafeFineTune.class)
        .inNamespace(NAMESPACE)
        .withName(name)
        .get()
        .getStatus();
  }
}
