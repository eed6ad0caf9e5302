package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.IntOrString;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.URL;
import java.util.Optional;

/**
 * Asks a container by HTTP whether it is ready.
 *
 * @param url what is asked
 */
record ReadinessProbe(URL url) {

  /** Time between two questions; what the probe itself says is for clusters with more pods. */
  static final long PERIOD_MILLIS = 500;

  private static final int TIMEOUT_MILLIS = 2_000;

  /** The container's {@code readinessProbe.httpGet}; empty where it has none. */
  static Optional<ReadinessProbe> of(Container container, String address) {
    if (container.getReadinessProbe() == null
        || container.getReadinessProbe().getHttpGet() == null) {
      return Optional.empty();
    }
    HTTPGetAction action = container.getReadinessProbe().getHttpGet();
    try {
      URL url = new URL("http", address, port(container, action.getPort()), action.getPath());
      return Optional.of(new ReadinessProbe(url));
    } catch (MalformedURLException e) {
      throw new AssertionError("every Java platform has HTTP", e);
    }
  }

  boolean succeeds() {
    try {
      HttpURLConnection connection = (HttpURLConnection) url.openConnection();
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      int code = connection.getResponseCode();
      return code >= HttpURLConnection.HTTP_OK && code < HttpURLConnection.HTTP_BAD_REQUEST;
    } catch (IOException e) {
      return false;
    }
  }

  private static int port(Container container, IntOrString port) {
    return port.getIntVal() != null
        ? port.getIntVal()
        : container.getPorts().stream()
            .filter(one -> port.getStrVal().equals(one.getName()))
            .findFirst()
            .map(ContainerPort::getContainerPort)
            .orElseThrow();
  }
}
