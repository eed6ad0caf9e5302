package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceAccountTokenProjection;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.net.URL;
import java.util.List;
import java.util.Map;

/** How a pod with a service account's token reaches the API server. */
final class ApiAccess {

  /** Where Kubernetes mounts a pod's token, and where clients look for it. */
  private static final String FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

  private final KubernetesClient client;

  ApiAccess(KubernetesClient client) {
    this.client = client;
  }

  /** A token of the pod's service account that ends with the pod. It is not renewed. */
  String token(Pod pod, ServiceAccountTokenProjection projection) {
    return client
        .serviceAccounts()
        .inNamespace(pod.getMetadata().getNamespace())
        .withName(pod.getSpec().getServiceAccountName())
        .tokenRequest(
            new TokenRequestBuilder()
                .withNewSpec()
                .withAudiences(
                    projection.getAudience() == null
                        ? List.of()
                        : List.of(projection.getAudience()))
                .withExpirationSeconds(projection.getExpirationSeconds())
                .withNewBoundObjectRef()
                .withApiVersion("v1")
                .withKind("Pod")
                .withName(pod.getMetadata().getName())
                .withUid(pod.getMetadata().getUid())
                .endBoundObjectRef()
                .endSpec()
                .build())
        .getStatus()
        .getToken();
  }

  /**
   * Variables for a container that has a token. Clients know its folder by heart, which on this
   * machine is another; Fabric8's reads these first.
   */
  Map<String, String> variables(Container container, PodDirectory directory) {
    boolean mounted =
        container.getVolumeMounts().stream().anyMatch(mount -> mount.getMountPath().equals(FOLDER));
    if (!mounted) {
      return Map.of();
    }
    URL server = client.getMasterUrl();
    return Map.of(
        "KUBERNETES_SERVICE_HOST",
        server.getHost(),
        "KUBERNETES_SERVICE_PORT",
        Integer.toString(server.getPort()),
        "KUBERNETES_AUTH_SERVICEACCOUNT_TOKEN",
        directory.inside(container, FOLDER + "/token").toString(),
        "KUBERNETES_CERTS_CA_FILE",
        directory.inside(container, FOLDER + "/ca.crt").toString());
  }
}
