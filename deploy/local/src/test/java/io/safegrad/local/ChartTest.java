package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What Helm makes of the chart. {@code -Dtest=ChartTest -Dchart.write=true} writes what is made of
 * it: {@code deploy/install.yaml} and the table of values in {@code docs/install.md}.
 */
class ChartTest {

  private static final Path INSTALL = Path.of("..", "install.yaml");
  private static final Path DOCUMENT = Path.of("..", "..", "docs", "install.md");
  private static final String TABLE_START = "<!-- values of the chart, written by ChartTest -->\n";
  private static final String TABLE_END = "<!-- end -->";
  private static final String HEAD =
      "# Rendered from the chart deploy/helm by ChartTest (CONTRIBUTING.md has the command). Do not"
          + " edit.\n";

  private final Helm helm = Helm.alone();

  @Test
  void lintHasNothingToSay() {
    String output = helm.run("lint", "--strict", Helm.CHART.toString()).succeeded();
    assertThat(output).contains("1 chart(s) linted, 0 chart(s) failed").doesNotContain("WARN");
  }

  @Test
  void theInstallFileIsTheChartRendered() throws IOException {
    String rendered =
        HEAD + template("safegrad-operator", "safegrad-system", "--set", "namespace.create=true");
    assertWritten(INSTALL, rendered);
  }

  /** A chart cannot look outside its own folder: what deploy/monitoring has is there once more. */
  @Test
  void theMonitoringFilesAreThoseOfTheirOwnFolder() throws IOException {
    Path source = Path.of("..", "monitoring");
    Path inChart = Helm.CHART.resolve("files/monitoring");
    List<String> names = monitoringFiles(source);
    assertThat(names).hasSizeGreaterThan(3);
    for (String name : names) {
      assertWritten(inChart.resolve(name), Files.readString(source.resolve(name)));
    }
    assertThat(monitoringFiles(inChart)).isEqualTo(names);
  }

  private static List<String> monitoringFiles(Path folder) throws IOException {
    List<String> names = new ArrayList<>(List.of("rules.yaml", "scrape.yaml"));
    try (Stream<Path> files = Files.list(folder.resolve("dashboards"))) {
      files
          .map(file -> "dashboards/" + file.getFileName())
          .filter(name -> name.endsWith(".json"))
          .sorted()
          .forEach(names::add);
    }
    return names;
  }

  @Test
  void theDocumentedValuesAreTheCharts() throws IOException {
    String document = Files.readString(DOCUMENT);
    int start = document.indexOf(TABLE_START) + TABLE_START.length();
    int end = document.indexOf(TABLE_END, start);
    StringBuilder table = new StringBuilder("\n| value | default | what |\n|---|---|---|\n");
    JsonNode values = new YAMLMapper().readTree(Helm.CHART.resolve("values.yaml").toFile());
    describe("", schema(), values, table);
    assertWritten(DOCUMENT, document.substring(0, start) + table + "\n" + document.substring(end));
  }

  @Test
  void valuesAndSchemaNameTheSame() throws IOException {
    List<String> described = new ArrayList<>();
    List<String> given = new ArrayList<>();
    schema().get("properties").fieldNames().forEachRemaining(described::add);
    described.remove("global");
    new YAMLMapper()
        .readTree(Helm.CHART.resolve("values.yaml").toFile())
        .fieldNames()
        .forEachRemaining(given::add);
    assertThat(given).containsExactlyInAnyOrderElementsOf(described);
  }

  @ParameterizedTest
  @CsvSource({
    "trainer.backofLimit=4, backofLimit",
    "trainer.backoffLimit=-1, /trainer/backoffLimit",
    "progress.pollInterval=2, /progress/pollInterval",
    "image.digest=latest, /image/digest",
    "network.exceptCidrs={}, /network/exceptCidrs",
    "network.internalCidrs={mirror.example}, /network/internalCidrs/0",
    "replicas=0, /replicas",
    "serviceAccount.create=false, serviceAccount.name"
  })
  void aWrongValueIsRefusedByName(String setting, String named) {
    ProgramResult result = helm.run("template", Helm.CHART.toString(), "--set", setting);
    assertThat(result.exitCode()).isNotZero();
    assertThat(result.error()).contains(named);
  }

  /** Nothing but the namespace and the account of this very installation is trusted. */
  @Test
  void anotherNameReachesRightsAndAdmission() {
    String rendered = template("one", "ml", "--set", "serviceAccount.name=trusted");
    assertThat(rendered)
        .contains("'system:serviceaccount:ml:trusted'")
        .contains("name: one-safegrad-operator")
        .doesNotContain("safegrad-system");
    assertThat(template("one", "ml")).contains("'system:serviceaccount:ml:one-safegrad-operator'");
  }

  @Test
  void everySettingReachesTheOperator() {
    Deployment deployment =
        deployment(
            template(
                "safegrad-operator",
                "safegrad-system",
                "--set",
                String.join(
                    ",",
                    "trainer.image=mirror.example/trainer:2",
                    "trainer.gpuImage=mirror.example/trainer:2-cu128",
                    "trainer.backoffLimit=0",
                    "trainer.hubEndpoint=https://hub.example",
                    "trainer.s3Endpoint=http://s3.example:9000",
                    "trainer.s3Region=eu-central-1",
                    "trainer.cacheClaim=cache",
                    "trainer.signingKeySecret=signing",
                    "trainer.approvalTimeout=10m",
                    "trainer.terminationGracePeriod=5m",
                    "progress.pollInterval=3s",
                    "progress.statusInterval=20s",
                    "leaderElection.enabled=true",
                    "leaderElection.lease=shard-b",
                    "admission.required=true",
                    "admission.checkInterval=90s",
                    "network.metricsNamespaces={a,b}",
                    "network.dnsNamespace=dns",
                    "network.egressCidrs={198.51.100.0/24}",
                    "network.exceptCidrs={198.51.100.0/25}",
                    "network.internalCidrs={10.1.0.0/16}",
                    "watchNamespaces={team-a,team-b}",
                    "extraEnv[0].name=JDK_JAVA_OPTIONS",
                    "extraEnv[0].value=-Xmx1g")));
    assertThat(deployment.getSpec().getTemplate().getSpec().getContainers().get(0).getEnv())
        .extracting(one -> one.getName() + "=" + one.getValue())
        .containsExactly(
            "SAFEGRAD_TRAINER_IMAGE=mirror.example/trainer:2",
            "SAFEGRAD_TRAINER_GPU_IMAGE=mirror.example/trainer:2-cu128",
            "SAFEGRAD_TRAINER_BACKOFF_LIMIT=0",
            "SAFEGRAD_TRAINER_HUB_ENDPOINT=https://hub.example",
            "SAFEGRAD_TRAINER_S3_ENDPOINT=http://s3.example:9000",
            "SAFEGRAD_TRAINER_S3_REGION=eu-central-1",
            "SAFEGRAD_TRAINER_CACHE_CLAIM=cache",
            "SAFEGRAD_TRAINER_SIGNING_KEY_SECRET=signing",
            "SAFEGRAD_TRAINER_APPROVAL_TIMEOUT=10m",
            "SAFEGRAD_TRAINER_TERMINATION_GRACE_PERIOD=5m",
            "SAFEGRAD_PROGRESS_POLL_INTERVAL=3s",
            "SAFEGRAD_PROGRESS_STATUS_INTERVAL=20s",
            "SAFEGRAD_LEADER_ELECTION_ENABLED=true",
            "SAFEGRAD_LEADER_ELECTION_LEASE=shard-b",
            "SAFEGRAD_ADMISSION_REQUIRED=true",
            "SAFEGRAD_ADMISSION_CHECK_INTERVAL=90s",
            "SAFEGRAD_NETWORK_OPERATOR_NAMESPACE=null",
            "SAFEGRAD_NETWORK_METRICS_NAMESPACES=a,b",
            "SAFEGRAD_NETWORK_DNS_NAMESPACE=dns",
            "SAFEGRAD_NETWORK_EGRESS_CIDRS=198.51.100.0/24",
            "SAFEGRAD_NETWORK_EXCEPT_CIDRS=198.51.100.0/25",
            "SAFEGRAD_NETWORK_INTERNAL_CIDRS=10.1.0.0/16",
            "QUARKUS_OPERATOR_SDK_NAMESPACES=team-a,team-b",
            "JDK_JAVA_OPTIONS=-Xmx1g");
  }

  @Test
  void severalOperatorsElectOneAndOnlyThenMayTouchALease() {
    assertThat(kinds("--set", "replicas=2")).contains("Role", "RoleBinding", "PodDisruptionBudget");
    assertThat(kinds()).doesNotContain("Role", "RoleBinding", "PodDisruptionBudget");
    assertThat(
            template(
                "safegrad-operator",
                "safegrad-system",
                "--set",
                "replicas=2,leaderElection.lease=shard-b"))
        .contains("resourceNames: [shard-b]");
    Deployment two =
        deployment(template("safegrad-operator", "safegrad-system", "--set", "replicas=2"));
    assertThat(two.getSpec().getReplicas()).isEqualTo(2);
    assertThat(two.getSpec().getStrategy()).as("they may overlap").isNull();
    assertThat(two.getSpec().getTemplate().getSpec().getContainers().get(0).getEnv())
        .anySatisfy(
            one -> {
              assertThat(one.getName()).isEqualTo("SAFEGRAD_LEADER_ELECTION_ENABLED");
              assertThat(one.getValue()).isEqualTo("true");
            });
  }

  /** As docs/scale.md says. */
  @Test
  void aShardBringsItselfAlone() {
    String[] values = {
      "--set", "watchNamespaces={team-c},leaderElection.lease=shard-b,crds.enabled=false",
      "--set", "admission.enabled=false,tenantRole.enabled=false",
      "--set", "serviceAccount.create=false,serviceAccount.name=safegrad-operator"
    };
    assertThat(template("shard-b", "safegrad-system", values))
        .contains("name: shard-b-safegrad-operator", "serviceAccountName: safegrad-operator")
        .doesNotContain("CustomResourceDefinition", "\nkind: ServiceAccount\n");
  }

  @Test
  void theImagesAreThoseOfTheOneMachineCluster() {
    Deployment deployment = deployment(template("safegrad-operator", "safegrad-system"));
    var container = deployment.getSpec().getTemplate().getSpec().getContainers().get(0);
    assertThat(container.getImage()).isEqualTo(Repository.OPERATOR_IMAGE);
    assertThat(container.getEnv().get(0).getValue()).isEqualTo(Repository.TRAINER_IMAGE);
    String digest = "sha256:" + "0a".repeat(32);
    assertThat(
            deployment(template("x", "y", "--set", "image.digest=" + digest))
                .getSpec()
                .getTemplate()
                .getSpec()
                .getContainers()
                .get(0)
                .getImage())
        .isEqualTo("ghcr.io/safegrad/operator@" + digest);
  }

  @Test
  void whatIsSwitchedOffIsNotThere() {
    assertThat(
            kinds(
                "--set",
                "crds.enabled=false,admission.enabled=false,tenantRole.enabled=false",
                "--set",
                "networkPolicy.enabled=false,serviceAccount.create=false,serviceAccount.name=own"))
        .containsExactly("ClusterRole", "ClusterRoleBinding", "Service", "Deployment");
    assertThat(
            kinds(
                "--set",
                "podMonitors.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true"))
        .contains("PodMonitor", "PrometheusRule", "ConfigMap");
  }

  @Test
  void theVersionIsTheProjects() throws IOException {
    JsonNode chart = new YAMLMapper().readTree(Helm.CHART.resolve("Chart.yaml").toFile());
    assertThat(Files.readString(Path.of("..", "..", "pom.xml")))
        .contains("<version>" + chart.get("version").asText() + "-SNAPSHOT</version>");
    assertThat(chart.get("appVersion")).isEqualTo(chart.get("version"));
  }

  private List<String> kinds(String... settings) {
    return objects(template("safegrad-operator", "safegrad-system", settings)).stream()
        .map(HasMetadata::getKind)
        .toList();
  }

  private static Deployment deployment(String rendered) {
    return objects(rendered).stream()
        .filter(Deployment.class::isInstance)
        .map(Deployment.class::cast)
        .findFirst()
        .orElseThrow();
  }

  private static List<HasMetadata> objects(String rendered) {
    try (KubernetesClient client = new KubernetesClientBuilder().build()) {
      return client
          .load(new ByteArrayInputStream(rendered.getBytes(StandardCharsets.UTF_8)))
          .items();
    }
  }

  private String template(String release, String namespace, String... settings) {
    String[] command = {"template", release, Helm.CHART.toString(), "--namespace", namespace};
    return helm.run(
            Stream.concat(Arrays.stream(command), Arrays.stream(settings)).toArray(String[]::new))
        .succeeded();
  }

  private static JsonNode schema() throws IOException {
    return new ObjectMapper().readTree(Helm.CHART.resolve("values.schema.json").toFile());
  }

  /** A line for each value; objects that have no description are only groups. */
  private static void describe(String path, JsonNode schema, JsonNode value, StringBuilder table) {
    schema
        .get("properties")
        .properties()
        .forEach(
            property -> {
              String name = path + property.getKey();
              JsonNode given = value.path(property.getKey());
              if (!property.getValue().has("description")) {
                describe(name + ".", property.getValue(), given, table);
              } else if (!given.isMissingNode()) {
                String text = property.getValue().get("description").asText();
                table.append("| `%s` | `%s` | %s |\n".formatted(name, given, text));
              }
            });
  }

  private static void assertWritten(Path file, String content) throws IOException {
    if (Boolean.getBoolean("chart.write")) {
      Files.writeString(file, content);
    }
    assertThat(Files.readString(file))
        .as("%s: write it again with the command of CONTRIBUTING.md", file)
        .isEqualTo(content);
  }
}
