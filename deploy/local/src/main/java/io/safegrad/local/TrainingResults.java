package io.safegrad.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.TrainingResult;
import java.util.Comparator;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** What trainers say at their end: the termination message. */
final class TrainingResults {

  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private TrainingResults() {}

  /** The result in the newest pod of a run; empty when no pod of it has left one. */
  static Optional<TrainingResult> of(KubernetesClient client, String namespace, String job) {
    return client
        .pods()
        .inNamespace(namespace)
        .withLabel("job-name", job)
        .list()
        .getItems()
        .stream()
        .flatMap(TrainingResults::messages)
        .max(Comparator.comparing(ContainerStateTerminated::getFinishedAt))
        .map(terminated -> parse(terminated.getMessage()));
  }

  /**
   * Reads a termination message.
   *
   * @throws LocalException when it is not a result
   */
  static TrainingResult parse(String message) {
    try {
      return JSON.readValue(message, TrainingResult.class);
    } catch (JsonProcessingException e) {
      throw new LocalException(
          "a trainer's termination message is not a result: " + e.getOriginalMessage());
    }
  }

  private static Stream<ContainerStateTerminated> messages(Pod pod) {
    return pod.getStatus().getContainerStatuses().stream()
        .map(ContainerStatus::getState)
        .map(state -> state.getTerminated())
        .filter(Objects::nonNull)
        .filter(terminated -> terminated.getMessage() != null);
  }
}
