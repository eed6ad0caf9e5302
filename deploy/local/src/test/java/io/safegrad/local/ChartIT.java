package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.FileTree;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * An installation's whole life, with real Helm and kubectl: the operator runs as the pod of the
 * chart's own Deployment, under the chart's own account and rights, in a namespace that enforces
 * the restricted pod security standard.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ChartIT {

  /** Not the names that anything would have by itself. */
  private static final String SYSTEM = "ml-platform";

  private static final String RELEASE = "sg";
  private static final String IN_SYSTEM = "--namespace=" + SYSTEM;
  private static final String OPERATOR = "sg-safegrad-operator";
  private static final String TENANT = "tenants";
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path FOLDER = Path.of("target", "chart").toAbsolutePath();

  /**
   * No release was made yet: the chart as a commit of before had it, packed by the command in
   * CONTRIBUTING.md.
   */
  private static final Path EARLIER =
      Path.of("src/test/resources/earlier-chart/safegrad-operator-0.0.9.tgz").toAbsolutePath();

  /** What its CRD did not have in spec.safety. */
  private static final String NEW_FIELD = "screening";

  private static LocalCluster cluster;
  private static KubernetesClient client;
  private static Helm helm;

  @BeforeAll
  static void start() throws IOException {
    FileTree.delete(FOLDER);
    cluster =
        LocalCluster.startEmpty(
            ControlPlaneBinaries.resolve(System.out::println),
            FOLDER,
            new Repository(Path.of("..", "..")),
            System.out::println);
    client = cluster.client();
    helm = Helm.in(cluster.kubeconfig());
    cluster.createNamespaceWithClaim(TENANT, "adapters");
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(SYSTEM)
                .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                .addToLabels("pod-security.kubernetes.io/warn", "restricted")
                .endMetadata()
                .build())
        .create();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  /** Of the Prometheus Operator, which not every cluster has. */
  private static void installMonitoringCrds() throws IOException {
    for (String kind : List.of("podmonitors", "prometheusrules")) {
      String resource = "/prometheus-operator/" + kind + ".crd.yaml.gz";
      try (InputStream stream = new GZIPInputStream(ChartIT.class.getResourceAsStream(resource))) {
        CustomResourceDefinition crd =
            client.apiextensions().v1().customResourceDefinitions().load(stream).serverSideApply();
        client
            .resource(crd)
            .waitUntilCondition(ClusterResources::isEstablished, 1, TimeUnit.MINUTES);
      }
    }
  }

  @Test
  @Order(1)
  void installedByHelmItRunsWithAdmissionInForce() throws IOException {
    installMonitoringCrds();
    ProgramResult result =
        helm.run(
            "install",
            RELEASE,
            EARLIER.toString(),
            IN_SYSTEM,
            "--wait",
            "--set",
            "admission.required=true,admission.checkInterval=1s,progress.statusInterval=1s",
            "--set",
            "podMonitors.enabled=true,prometheusRule.enabled=true,dashboards.enabled=true");
    assertThat(result.succeeded()).contains("SafeGrad Operator 0.1.0 is installed");
    assertThat(result.error()).as("warnings of the API server").isEmpty();
    Pod pod = onlyPod(SYSTEM);
    assertThat(readiness(pod)).as("Helm has waited for it").contains("\"inForce\": true");
    assertThat(pod.getSpec().getServiceAccountName()).isEqualTo(OPERATOR);
    assertThat(pod.getStatus().getContainerStatuses().get(0).getRestartCount()).isZero();
  }

  @Test
  @Order(2)
  void aSafeFineTuneSucceeds() {
    create(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafetyPolicy
        metadata: {name: everybody}
        spec: {requiredMethod: SafeGrad}
        """);
    create(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: first, namespace: tenants}
        spec:
          model: {source: "builtin://tiny-aligned"}
          dataset: {source: "builtin://sentiment"}
          training: {maxSteps: 2, maxLength: 64}
          output: {destination: "pvc://adapters/first"}
        """);
    await().atMost(PATIENCE).until(() -> phaseOf("first") == Phase.Succeeded);
    assertThat(cluster.claimFolder("adapters").resolve("first/adapter_model.safetensors"))
        .isNotEmptyFile();
  }

  /** To today's chart, with one run that has ended and one that trains. */
  @Test
  @Order(3)
  void anUpgradeFromAnEarlierReleaseChangesTheCrdAndLosesNoRun() {
    create(
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafeFineTune
        metadata: {name: meanwhile, namespace: tenants}
        spec:
          model: {source: "builtin://tiny-aligned"}
          dataset: {source: "builtin://sentiment"}
          training: {maxSteps: 100, maxLength: 64}
          output: {destination: "pvc://adapters/meanwhile"}
        """);
    await().atMost(PATIENCE).until(() -> phaseOf("meanwhile") == Phase.Training);
    assertThat(fieldsOfSafety()).isNotEmpty().doesNotContain(NEW_FIELD);
    String before = onlyPod(SYSTEM).getMetadata().getUid();
    SafeFineTuneStatus status = run("first").getStatus();
    helm.run(
            "upgrade",
            RELEASE,
            Helm.CHART.toString(),
            IN_SYSTEM,
            "--wait",
            "--reset-then-reuse-values",
            "--set",
            "progress.pollInterval=3s")
        .succeeded();
    Pod after = onlyPod(SYSTEM);
    assertThat(after.getMetadata().getUid()).isNotEqualTo(before);
    assertThat(after.getSpec().getContainers().get(0).getEnv())
        .anyMatch(one -> "3s".equals(one.getValue()));
    assertThat(fieldsOfSafety()).contains(NEW_FIELD);
    assertThat(run("first").getStatus()).isEqualTo(status);
    await().atMost(PATIENCE).until(() -> phaseOf("meanwhile") == Phase.Succeeded);
    assertThat(run("meanwhile").getStatus().attempts()).as("it went on").hasSize(1);
  }

  @Test
  @Order(4)
  void uninstalledOnlyTheUsersResourcesAreLeft() {
    List<HasMetadata> installed = load(helm.run("get", "manifest", RELEASE, IN_SYSTEM).succeeded());
    ProgramResult result = helm.run("uninstall", RELEASE, IN_SYSTEM, "--wait");
    assertThat(result.succeeded()).contains("uninstalled");
    assertThat(installed).hasSizeGreaterThan(10);
    for (HasMetadata one : installed) {
      boolean kept = one.getKind().equals("CustomResourceDefinition");
      await(one.getKind() + " " + one.getMetadata().getName())
          .atMost(PATIENCE)
          .until(() -> (client.resource(one).get() != null) == kept);
    }
    await().atMost(PATIENCE).until(() -> podsIn(SYSTEM).isEmpty());
    assertThat(phaseOf("first")).isEqualTo(Phase.Succeeded);
    assertThat(client.resources(SafetyPolicy.class).withName("everybody").get()).isNotNull();
    assertThat(client.batch().v1().jobs().inNamespace(TENANT).withName("first").get()).isNotNull();
  }

  private static String readiness(Pod pod) throws IOException {
    String address = "http://" + pod.getStatus().getPodIP() + ":8080/q/health/ready";
    try (InputStream body = URI.create(address).toURL().openStream()) {
      return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static SafeFineTune run(String name) {
    return client.resources(SafeFineTune.class).inNamespace(TENANT).withName(name).get();
  }

  private static Phase phaseOf(String run) {
    SafeFineTuneStatus status = run(run).getStatus();
    return status == null ? null : status.phase();
  }

  private static Set<String> fieldsOfSafety() {
    CustomResourceDefinition crd =
        client
            .apiextensions()
            .v1()
            .customResourceDefinitions()
            .withName("safefinetunes.safegrad.io")
            .get();
    JSONSchemaProps schema = crd.getSpec().getVersions().get(0).getSchema().getOpenAPIV3Schema();
    for (String field : List.of("spec", "safety")) {
      schema = schema.getProperties().get(field);
    }
    return schema.getProperties().keySet();
  }

  private static Pod onlyPod(String namespace) {
    await().atMost(PATIENCE).until(() -> podsIn(namespace).size() == 1);
    return podsIn(namespace).get(0);
  }

  private static List<Pod> podsIn(String namespace) {
    return client
        .pods()
        .inNamespace(namespace)
        .withLabel("app.kubernetes.io/name", "safegrad-operator")
        .list()
        .getItems();
  }

  private static List<HasMetadata> load(String yaml) {
    return client.load(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8))).items();
  }

  private static void create(String yaml) {
    load(yaml).forEach(one -> client.resource(one).create());
  }
}
