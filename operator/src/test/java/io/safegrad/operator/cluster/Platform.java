package io.safegrad.operator.cluster;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Plays the platform's owner: policies, admission, and what tenants may do. */
final class Platform implements AutoCloseable {

  /** May do what a tenant needs to. */
  static final String TENANT = "alice";

  /** May besides do what Kubernetes' own role "edit" lets one. */
  static final String EDITOR = "bob";

  /** What "edit" and "view" are aggregated of; the aggregate itself may not be filled yet. */
  private static final String EDIT = "system:aggregate-to-edit";

  private static final String VIEW = "system:aggregate-to-view";

  private static final Path ADMISSION = Path.of("../deploy/helm/files/admission");
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Cluster cluster;
  private final List<HasMetadata> created = new ArrayList<>();

  Platform(Cluster cluster) {
    this.cluster = cluster;
  }

  /** Labels of a namespace that only the policies of one test select. */
  static Map<String, String> labels() {
    return Map.of("policy-test", UUID.randomUUID().toString().substring(0, 8));
  }

  /** A policy for the namespaces with the labels; its name is unique. */
  SafetyPolicy policy(String name, Map<String, String> labels, String spec) {
    String label = labels.get("policy-test");
    String yaml =
        """
        apiVersion: safegrad.io/v1alpha1
        kind: SafetyPolicy
        metadata: {name: %s-%s}
        spec:
          namespaceSelector: {matchLabels: {policy-test: "%s"}}
        """
                .formatted(name, label, label)
            + spec.indent(2);
    SafetyPolicy policy =
        cluster
            .client()
            .resources(SafetyPolicy.class)
            .load(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)))
            .create();
    created.add(policy);
    return policy;
  }

  /** Changes fields of a policy's spec, as {@code kubectl patch --type=merge} does. */
  void tighten(SafetyPolicy policy, String json) {
    cluster
        .client()
        .resource(policy)
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\": " + json + "}");
  }

  void withdraw(SafetyPolicy policy) {
    cluster.client().resource(policy).delete();
  }

  void label(String namespace, Map<String, String> labels) {
    cluster
        .client()
        .namespaces()
        .withName(namespace)
        .edit(
            one ->
                new NamespaceBuilder(one).editMetadata().withLabels(labels).endMetadata().build());
  }

  /** Installs one of the committed files. */
  void install(String file) throws IOException {
    try (InputStream stream = Files.newInputStream(ADMISSION.resolve(file))) {
      for (HasMetadata one : cluster.client().load(stream).items()) {
        created.add(cluster.client().resource(one).create());
      }
    }
  }

  /** Gives both users their rights in the namespace. */
  void admitUsers(String namespace) throws Exception {
    for (String[] grant :
        new String[][] {
          {TENANT, "safegrad-tenant"}, {EDITOR, "safegrad-tenant"}, {EDITOR, EDIT}, {EDITOR, VIEW}
        }) {
      String name = grant[0] + "-" + grant[1].replace(':', '-');
      cluster.kubectl(
          "create",
          "rolebinding",
          name,
          "-n",
          namespace,
          "--user",
          grant[0],
          "--clusterrole",
          grant[1]);
    }
  }

  /** Waits until a command is refused: admission takes its time to come into force. */
  void awaitRefusal(String... command) {
    await("admission")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> cluster.kubectl(command).exitCode() != 0);
  }

  /** Waits until a command is taken again. */
  void awaitLeave(String... command) {
    await("the end of admission")
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> cluster.kubectl(command).exitCode() == 0);
  }

  /** Nothing of one test class must bind another. */
  @Override
  public void close() {
    Collections.reverse(created);
    created.forEach(one -> cluster.client().resource(one).delete());
  }
}
