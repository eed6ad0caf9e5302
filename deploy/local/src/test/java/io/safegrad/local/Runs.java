package io.safegrad.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;

/** The SafeFineTunes of a namespace, by name, and their pods. */
record Runs(KubernetesClient client, String namespace) {

  static final Duration PATIENCE = Duration.ofMinutes(3);

  Resource<SafeFineTune> resource(String name) {
    return client.resources(SafeFineTune.class).inNamespace(namespace).withName(name);
  }

  SafeFineTuneStatus awaitEnd(String name) {
    return awaitStatus(name, status -> status.phase() != null && status.phase().isTerminal());
  }

  /** Waits until the run has trained for a step. */
  void awaitStep(String name) {
    awaitStatus(
        name,
        status ->
            status.measurements() != null
                && status.measurements().step() != null
                && status.measurements().step() > 0);
  }

  /** Waits until that is why the run is not ready. */
  void awaitReason(String name, String reason) {
    awaitStatus(
        name,
        // Until the operator has looked, the status is the CRD's default, without conditions.
        status ->
            status.conditions() != null && condition(status, "Ready").getReason().equals(reason));
  }

  private SafeFineTuneStatus awaitStatus(String name, Predicate<SafeFineTuneStatus> expected) {
    return await(name)
        .atMost(PATIENCE)
        .until(
            () -> resource(name).get().getStatus(),
            status -> status != null && expected.test(status));
  }

  /** The pod of a run that has one. */
  Pod podOf(String name) {
    List<Pod> pods = podsOf(name);
    assertThat(pods).hasSize(1);
    return pods.get(0);
  }

  List<Pod> podsOf(String name) {
    return client.pods().inNamespace(namespace).withLabel("job-name", name).list().getItems();
  }

  static Condition condition(SafeFineTuneStatus status, String type) {
    return status.conditions().stream()
        .filter(condition -> condition.getType().equals(type))
        .findFirst()
        .orElseThrow();
  }

  /** All that the conditions say. */
  static String told(SafeFineTuneStatus status) {
    return status.conditions().stream()
        .map(condition -> condition.getType() + ": " + condition.getMessage())
        .toList()
        .toString();
  }
}
