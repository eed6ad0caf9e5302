package io.safegrad.operator.cluster;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaPropsBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.ControlPlaneBinaries;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * One real control plane with the CRD and a running operator, for all tests of this module. The
 * operator has a service account with the committed role and no other rights.
 */
final class Cluster implements AutoCloseable {

  private static final String SYSTEM_NAMESPACE = "safegrad-system";
  private static final String OPERATOR = "safegrad-operator";
  private static final Path ROLE = Path.of("../deploy/helm/files/clusterrole.yaml");
  private static final Path AUDIT_POLICY = Path.of("src/test/resources/audit-policy.yaml");

  /** Time between two compactions of etcd in a {@link #breakable} cluster. */
  static final Duration COMPACTION = Duration.ofSeconds(3);

  /** So that tests need not wait for what happens at intervals. */
  private static final Map<String, String> IMPATIENT =
      Map.of(
          "SAFEGRAD_PROGRESS_POLL_INTERVAL", "200ms",
          "SAFEGRAD_PROGRESS_STATUS_INTERVAL", "1s",
          "SAFEGRAD_ADMISSION_CHECK_INTERVAL", "1s");

  private final ControlPlane controlPlane;
  private final KubernetesClient client;
  private final OperatorProcess operator;
  private final ApiProxy proxy;
  private final Path auditLog;
  private final Path kubeconfig;

  /**
   * Starts all of it.
   *
   * @param settings environment variables of the operator
   */
  Cluster(Map<String, String> settings) throws IOException {
    this(settings, ControlPlane.Options.withoutScheduler(), false);
  }

  /**
   * The same with a control plane of one's own.
   *
   * @param options without flags of the API server
   */
  Cluster(Map<String, String> settings, ControlPlane.Options options) throws IOException {
    this(settings, options, false);
  }

  private Cluster(Map<String, String> settings, ControlPlane.Options options, boolean proxied)
      throws IOException {
    Path folder = Files.createTempDirectory(Path.of("target"), "cluster");
    auditLog = folder.resolve("audit.log").toAbsolutePath();
    controlPlane =
        ControlPlane.start(
            ControlPlaneBinaries.resolve(System.err::println),
            folder,
            options.withApiServerFlags(
                "--audit-policy-file=" + AUDIT_POLICY.toAbsolutePath(),
                "--audit-log-path=" + auditLog,
                // Whoever was away for longer than that finds no history to go on from.
                "--etcd-compaction-interval=" + (proxied ? COMPACTION.toSeconds() : 300) + "s"));
    client = clientOf(controlPlane.kubeconfig());
    applyCrds();
    kubeconfig = operatorKubeconfig(folder);
    proxy = proxied ? new ApiProxy(controlPlane) : null;
    if (proxied) {
      Files.writeString(
          kubeconfig, Files.readString(kubeconfig).replace(controlPlane.server(), proxy.address()));
    }
    Path log = Path.of(proxied ? "target/operator-failures.log" : "target/operator.log");
    operator = new OperatorProcess(kubeconfig, log, settings);
    Files.deleteIfExists(log);
    operator.start();
  }

  /** A cluster to break things in: the operator reaches the API server through a proxy. */
  static Cluster breakable() throws IOException {
    return new Cluster(IMPATIENT, ControlPlane.Options.withoutScheduler(), true);
  }

  /** What the operator of a {@link #breakable} cluster takes for the API server. */
  ApiProxy proxy() {
    return proxy;
  }

  ControlPlane controlPlane() {
    return controlPlane;
  }

  /** A client with a cluster administrator's rights. */
  KubernetesClient client() {
    return client;
  }

  OperatorProcess operator() {
    return operator;
  }

  /**
   * Another operator with the same rights, not started.
   *
   * @param settings its environment variables
   */
  OperatorProcess another(String name, Map<String, String> settings) {
    Map<String, String> all = new HashMap<>(IMPATIENT);
    all.putAll(settings);
    return new OperatorProcess(kubeconfig, Path.of("target/operator-" + name + ".log"), all);
  }

  /** What the API server noted of the operator's requests, as a line of JSON each. */
  Path auditLog() {
    return auditLog;
  }

  /** Runs kubectl as a user would, and returns all it prints. */
  KubectlResult kubectl(String... arguments) throws IOException, InterruptedException {
    return KubectlResult.of(controlPlane, arguments);
  }

  /** Whether nobody can watch from that version on any more. */
  boolean hasForgotten(String resourceVersion) {
    try {
      // The end of the history is told in the stream of a watch.
      String told =
          client.raw(
              "/apis/safegrad.io/v1alpha1/safefinetunes?watch=true&timeoutSeconds=1&resourceVersion="
                  + resourceVersion);
      return told.contains("\"code\":410");
    } catch (KubernetesClientException e) {
      return e.getCode() == 410;
    }
  }

  /** Whether SafeFineTunes can be asked for. */
  boolean serves(String namespace) {
    try {
      client.resources(SafeFineTune.class).inNamespace(namespace).list();
      return true;
    } catch (KubernetesClientException e) {
      return false;
    }
  }

  /** Gives the CRD a field of tomorrow; it is served, or nobody can ask for its resources. */
  void upgradeCrd(boolean served) {
    client
        .apiextensions()
        .v1()
        .customResourceDefinitions()
        .withName("safefinetunes.safegrad.io")
        .edit(
            crd -> {
              crd.getSpec().getVersions().get(0).setServed(served);
              crd.getSpec()
                  .getVersions()
                  .get(0)
                  .getSchema()
                  .getOpenAPIV3Schema()
                  .getProperties()
                  .get("spec")
                  .getProperties()
                  .put(
                      "fieldOfTomorrow",
                      new JSONSchemaPropsBuilder()
                          .withType("string")
                          .withDefault(TextNode.valueOf("tomorrow"))
                          .build());
              return crd;
            });
  }

  void applyCrds() throws IOException {
    for (String resource : List.of(Manifest.CRD_RESOURCE, Manifest.POLICY_CRD_RESOURCE)) {
      try (InputStream stream = Manifest.class.getResourceAsStream(resource)) {
        CustomResourceDefinition crd =
            client.apiextensions().v1().customResourceDefinitions().load(stream).item();
        client.resource(crd).forceConflicts().serverSideApply();
        client.resource(crd).waitUntilCondition(Cluster::established, 30, TimeUnit.SECONDS);
      }
    }
  }

  private static boolean established(CustomResourceDefinition crd) {
    return crd.getStatus() != null
        // A status that is just being made has no conditions yet.
        && crd.getStatus().getConditions() != null
        && crd.getStatus().getConditions().stream()
            .filter(condition -> condition.getType().equals("Established"))
            .anyMatch(condition -> condition.getStatus().equals("True"));
  }

  private Path operatorKubeconfig(Path folder) throws IOException {
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(SYSTEM_NAMESPACE)
                .endMetadata()
                .build())
        .create();
    client
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withName(OPERATOR)
                .withNamespace(SYSTEM_NAMESPACE)
                .endMetadata()
                .build())
        .create();
    ClusterRole role = client.rbac().clusterRoles().load(ROLE.toFile()).item();
    client.resource(role).create();
    client
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(OPERATOR)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", OPERATOR)
                .addNewSubject("", "ServiceAccount", OPERATOR, SYSTEM_NAMESPACE)
                .build())
        .create();
    TokenRequest token =
        client
            .serviceAccounts()
            .inNamespace(SYSTEM_NAMESPACE)
            .withName(OPERATOR)
            .tokenRequest(
                new TokenRequestBuilder()
                    .withNewSpec()
                    .withExpirationSeconds(3600L)
                    .endSpec()
                    .build());
    String admin = Files.readString(controlPlane.kubeconfig());
    Path kubeconfig = folder.resolve("operator.kubeconfig").toAbsolutePath();
    Files.writeString(
        kubeconfig,
        admin.replaceAll("(?m)^(\\s*)token:.*$", "$1token: " + token.getStatus().getToken()));
    return kubeconfig;
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    ObjectMapper mapper =
        JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
            .build();
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .withKubernetesSerialization(new KubernetesSerialization(mapper, true))
        .build();
  }

  @Override
  public void close() throws InterruptedException {
    operator.kill();
    if (proxy != null) {
      proxy.close();
    }
    client.close();
    controlPlane.close();
  }

  /** Gives every test the same cluster, started when the first one asks for it. */
  static final class Extension implements ParameterResolver {

    private static final ExtensionContext.Namespace NAMESPACE =
        ExtensionContext.Namespace.create(Cluster.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == Cluster.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return context
          .getRoot()
          .getStore(NAMESPACE)
          .getOrComputeIfAbsent(Holder.class, key -> new Holder(), Holder.class)
          .cluster;
    }

    /** Closed by JUnit after the last test. */
    private static final class Holder implements ExtensionContext.Store.CloseableResource {

      private final Cluster cluster;

      private Holder() {
        try {
          cluster = new Cluster(IMPATIENT);
        } catch (IOException e) {
          throw new IllegalStateException(e);
        }
      }

      @Override
      public void close() throws InterruptedException {
        cluster.close();
      }
    }
  }
}
