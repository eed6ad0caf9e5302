package io.safegrad.operator;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.quarkus.runtime.StartupEvent;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.observe.Sentence;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends the process with one sentence, before anything is watched, where it could not work. */
@Singleton
public class ClusterCheck {

  private static final Logger LOG = LoggerFactory.getLogger(ClusterCheck.class);

  static final List<String> CRDS =
      List.of("safefinetunes." + SafeFineTune.GROUP, "safetypolicies." + SafeFineTune.GROUP);

  private static final int FAILURE = 1;

  void onStart(
      @Observes @Priority(Interceptor.Priority.LIBRARY_BEFORE) StartupEvent event,
      KubernetesClient client) {
    LOG.info("Connecting to {}", client.getMasterUrl());
    try {
      require(client);
    } catch (ClusterUnusableException e) {
      System.err.println("error: " + e.getMessage());
      // Nothing runs yet, and an exception from here would be told as a stack trace.
      Runtime.getRuntime().halt(FAILURE);
    }
  }

  /**
   * Asks for the CRDs.
   *
   * @throws ClusterUnusableException with a sentence that names the server, what is missing and
   *     what cures it
   */
  static void require(KubernetesClient client) {
    CRDS.forEach(crd -> require(client, crd));
  }

  private static void require(KubernetesClient client, String crd) {
    Object definition;
    try {
      definition = client.apiextensions().v1().customResourceDefinitions().withName(crd).get();
    } catch (KubernetesClientException e) {
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new ClusterUnusableException(
          "the API server %s cannot be asked for the CRD %s: %s; check KUBECONFIG and the operator's role"
              .formatted(client.getMasterUrl(), crd, Sentence.of(cause.getMessage())));
    }
    if (definition == null) {
      throw new ClusterUnusableException(
          "%s has no CRD %s; install it: kubectl apply --server-side -f %s.yaml"
              .formatted(client.getMasterUrl(), crd, crd));
    }
  }

  /** Why the operator cannot work here, in one sentence. */
  static final class ClusterUnusableException extends RuntimeException {

    ClusterUnusableException(String message) {
      super(message);
    }
  }
}
