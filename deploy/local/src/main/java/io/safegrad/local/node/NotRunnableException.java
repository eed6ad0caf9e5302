package io.safegrad.local.node;

import io.fabric8.kubernetes.client.KubernetesClientException;

/** A container cannot be started; Kubernetes' word for why, and a sentence. */
final class NotRunnableException extends Exception {

  private final String reason;

  NotRunnableException(String reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Something that the pod refers to is missing, or of no use. */
  static NotRunnableException configuration(String message) {
    return new NotRunnableException("CreateContainerConfigError", message);
  }

  /** The API server refuses what the pod needs, or is away: either may pass. */
  static NotRunnableException refused(KubernetesClientException cause) {
    return configuration("the API server was asked for what the pod needs: " + cause.getMessage());
  }

  /** The container's waiting reason. */
  String reason() {
    return reason;
  }
}
