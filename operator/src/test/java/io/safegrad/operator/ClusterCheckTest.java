package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class ClusterCheckTest {

  @Test
  void aClusterWithoutTheCrdIsNamedWithTheCure() throws IOException {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(404, -1);
          exchange.close();
        });
    server.start();
    String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    try (KubernetesClient client = client(address)) {
      assertThatThrownBy(() -> ClusterCheck.require(client))
          .isInstanceOf(ClusterCheck.ClusterUnusableException.class)
          .hasMessage(
              address
                  + " has no CRD safefinetunes.safegrad.io; install it: kubectl apply --server-side"
                  + " -f safefinetunes.safegrad.io.yaml");
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aServerThatDoesNotAnswerIsOneSentence() throws IOException {
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      closed = socket.getLocalPort();
    }
    try (KubernetesClient client = client("http://127.0.0.1:" + closed + "/")) {
      assertThatThrownBy(() -> ClusterCheck.require(client))
          .isInstanceOf(ClusterCheck.ClusterUnusableException.class)
          .hasMessageStartingWith("the API server http://127.0.0.1:" + closed)
          .hasMessageContaining("Connection refused")
          .hasMessageContaining("check KUBECONFIG");
    }
  }

  private static KubernetesClient client(String address) {
    Config config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(address)
            .withRequestRetryBackoffLimit(0)
            .build();
    return new KubernetesClientBuilder().withConfig(config).build();
  }
}
