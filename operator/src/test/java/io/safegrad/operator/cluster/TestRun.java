package io.safegrad.operator.cluster;

import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceQuota;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.events.v1.Event;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.Examples;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/** One SafeFineTune in a namespace of its own, seen as its user sees it. */
final class TestRun {

  static final String NAME = "support-bot";

  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private final KubernetesClient client;
  private final String namespace;

  TestRun(Cluster cluster) {
    this(cluster, Map.of());
  }

  /** A run in a namespace with labels. */
  TestRun(Cluster cluster, Map<String, String> labels) {
    client = cluster.client();
    namespace = "team-" + UUID.randomUUID().toString().substring(0, 8);
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(namespace)
                .withLabels(labels)
                // Every pod of these tests must pass the strictest of Kubernetes' standards.
                .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                .endMetadata()
                .build())
        .create();
  }

  String namespace() {
    return namespace;
  }

  /** A manifest with the fields that have no default, and further lines under {@code spec}. */
  String manifest(String... specLines) {
    return """
    apiVersion: safegrad.io/v1alpha1
    kind: SafeFineTune
    metadata:
      name: %s
      namespace: %s
    spec:
    """
            .formatted(NAME, namespace)
        + Examples.specLines("builtin://tiny-aligned", specLines);
  }

  TestRun create(String... specLines) {
    client
        .load(new ByteArrayInputStream(manifest(specLines).getBytes(StandardCharsets.UTF_8)))
        .create();
    return this;
  }

  /** Gives the namespace a quota and waits until it is in force. */
  ResourceQuota quota(String name, String what, String amount) {
    ResourceQuota quota =
        client
            .resource(
                new ResourceQuotaBuilder()
                    .withNewMetadata()
                    .withName(name)
                    .withNamespace(namespace)
                    .endMetadata()
                    .withNewSpec()
                    .withHard(Map.of(what, new Quantity(amount)))
                    .endSpec()
                    .build())
            .create();
    awaitUntil(
        "the quota",
        () -> {
          ResourceQuota current = client.resource(quota).get();
          return current.getStatus() != null
              && current.getStatus().getHard() != null
              && !current.getStatus().getHard().isEmpty();
        });
    return quota;
  }

  Resource<SafeFineTune> resource() {
    return client.resources(SafeFineTune.class).inNamespace(namespace).withName(NAME);
  }

  /** Calls whenever somebody has written the resource, until the watch is closed. */
  SharedIndexInformer<SafeFineTune> onWrite(Runnable written) {
    return resource()
        .inform(
            new ResourceEventHandler<>() {
              @Override
              public void onAdd(SafeFineTune run) {}

              @Override
              public void onUpdate(SafeFineTune before, SafeFineTune run) {
                written.run();
              }

              @Override
              public void onDelete(SafeFineTune run, boolean finalStateUnknown) {}
            });
  }

  /** Changes fields of the spec, as {@code kubectl patch --type=merge} does. */
  void patchSpec(String json) {
    resource().patch(PatchContext.of(PatchType.JSON_MERGE), "{\"spec\": " + json + "}");
  }

  /** The resource with every field that is stored, known or not. */
  GenericKubernetesResource raw() {
    return client
        .genericKubernetesResources("safegrad.io/v1alpha1", "SafeFineTune")
        .inNamespace(namespace)
        .withName(NAME)
        .get();
  }

  SafeFineTuneStatus status() {
    return resource().get().getStatus();
  }

  Condition condition(String type) {
    return status().conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow();
  }

  TestRun awaitPhase(Phase phase) {
    return awaitStatus("phase " + phase, status -> status.phase() == phase);
  }

  TestRun awaitStatus(String what, Predicate<SafeFineTuneStatus> expected) {
    await(what + " of " + namespace)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .until(
            this::status,
            status -> status != null && status.conditions() != null && expected.test(status));
    return this;
  }

  TestRun awaitCondition(String type, String reason) {
    return awaitStatus(
        type + " " + reason,
        status ->
            status.conditions().stream()
                .anyMatch(
                    condition ->
                        condition.getType().equals(type) && condition.getReason().equals(reason)));
  }

  Optional<Job> job() {
    return Optional.ofNullable(
        client.resources(Job.class).inNamespace(namespace).withName(NAME).get());
  }

  Job awaitJob() {
    return awaitPresent("the Job", this::job);
  }

  Optional<ConfigMap> plan() {
    return Optional.ofNullable(
        client.configMaps().inNamespace(namespace).withName(NAME + "-plan").get());
  }

  List<Pod> pods() {
    return client.pods().inNamespace(namespace).list().getItems();
  }

  /** The pod that the Job controller made and that has neither ended nor been deleted. */
  Pod awaitPod() {
    return awaitPresent(
        "a live pod",
        () ->
            pods().stream()
                .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
                .filter(pod -> List.of("Pending", "Running").contains(pod.getStatus().getPhase()))
                .findFirst());
  }

  void awaitReplacement(Pod former) {
    awaitUntil(
        "a pod after " + former.getMetadata().getName(),
        () -> !awaitPod().getMetadata().getUid().equals(former.getMetadata().getUid()));
  }

  /** The digest that the run's plan was fixed with. */
  String planDigest() {
    awaitStatus("the start", status -> status.planDigest() != null);
    return status().planDigest();
  }

  List<Event> events() {
    return client.events().v1().events().inNamespace(namespace).list().getItems().stream()
        .filter(event -> event.getRegarding().getKind().equals("SafeFineTune"))
        .toList();
  }

  List<String> eventReasons() {
    return events().stream().map(Event::getReason).sorted().toList();
  }

  static void awaitUntil(String what, Callable<Boolean> condition) {
    await(what).atMost(PATIENCE).pollInterval(Duration.ofMillis(100)).until(condition);
  }

  private static <T> T awaitPresent(String what, Callable<Optional<T>> supplier) {
    return await(what)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .until(supplier, Optional::isPresent)
        .orElseThrow();
  }
}
