package io.safegrad.operator.dependent;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicySpec;
import io.safegrad.operator.Examples;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainerNetworkPolicyTest {

  /** A network configuration with the kind of the committed defaults. */
  private static final NetworkConfig NETWORK =
      new NetworkConfig() {
        @Override
        public String operatorNamespace() {
          return "safegrad-system";
        }

        @Override
        public List<String> metricsNamespaces() {
          return List.of("monitoring");
        }

        @Override
        public String dnsNamespace() {
          return "kube-system";
        }

        @Override
        public List<String> egressCidrs() {
          return List.of("0.0.0.0/0");
        }

        @Override
        public List<String> exceptCidrs() {
          return List.of("10.0.0.0/8", "169.254.0.0/16", "fd00::/8");
        }

        @Override
        public Optional<List<String>> internalCidrs() {
          return Optional.empty();
        }
      };

  private static final String REMOTE = "model: {source: \"hf://org/name\"}";

  @Test
  void onlyTheOperatorAndPrometheusMayAskTheTrainer() {
    NetworkPolicySpec spec = spec(Optional.empty(), "suspend: false");
    assertThat(spec.getPodSelector().getMatchLabels())
        .containsEntry("safegrad.io/safefinetune", "support-bot");
    assertThat(spec.getPolicyTypes()).containsExactly("Ingress", "Egress");
    NetworkPolicyIngressRule rule = spec.getIngress().get(0);
    assertThat(spec.getIngress()).hasSize(1);
    assertThat(rule.getPorts())
        .extracting(port -> port.getPort().getIntVal())
        .containsExactly(9400);
    assertThat(rule.getFrom())
        .extracting(
            peer -> peer.getNamespaceSelector().getMatchExpressions().get(0).getValues().toString())
        .containsExactly("[safegrad-system]", "[monitoring]");
    assertThat(rule.getFrom().get(0).getPodSelector().getMatchLabels())
        .containsEntry("app.kubernetes.io/name", "safegrad-operator");
  }

  @Test
  void aRunWithoutRemoteSourcesReachesNothing() {
    assertThat(spec(Optional.empty(), "suspend: false").getEgress()).isEmpty();
  }

  @Test
  void aRunReachesDnsAndThePortsOfItsSourcesButNoMetadataService() {
    List<NetworkPolicyEgressRule> rules =
        spec(
                Optional.empty(),
                REMOTE,
                "dataset: {source: \"https://data.example:8443/a b?x=y\", digest: \"sha256:%s\"}"
                    .formatted("0".repeat(64)))
            .getEgress();
    assertThat(rules).hasSize(2);
    assertThat(rules.get(0).getPorts())
        .extracting(port -> port.getProtocol() + port.getPort().getIntVal())
        .containsExactly("UDP53", "TCP53");
    assertThat(rules.get(1).getPorts())
        .extracting(port -> port.getProtocol() + port.getPort().getIntVal())
        .containsExactly("TCP443", "TCP8443");
    assertThat(rules.get(1).getTo())
        .singleElement()
        .satisfies(
            peer -> {
              assertThat(peer.getIpBlock().getCidr()).isEqualTo("0.0.0.0/0");
              assertThat(peer.getIpBlock().getExcept())
                  .contains("169.254.0.0/16", "10.0.0.0/8")
                  .noneMatch(cidr -> cidr.contains(":"));
            });
  }

  @Test
  void aHubOfOnesOwnHasItsOwnPort() {
    assertThat(
            spec(Optional.of(URI.create("http://hub.platform:8080")), REMOTE)
                .getEgress()
                .get(1)
                .getPorts())
        .extracting(port -> port.getPort().getIntVal())
        .containsExactly(8080);
  }

  @Test
  void aStoreThatIsWrittenToIsReachedAtItsPort() {
    assertThat(
            spec(Optional.empty(), "output: {destination: \"s3://adapters/support-bot\"}")
                .getEgress()
                .get(1)
                .getPorts())
        .extracting(port -> port.getPort().getIntVal())
        .containsExactly(9000);
  }

  @Test
  void whatAUserAddsIsASourceToo() {
    assertThat(
            spec(
                    Optional.empty(),
                    "safety: {alignment: {additional: [{source: \"hf://datasets/a/b/c.jsonl\"}]}}")
                .getEgress())
        .hasSize(2);
  }

  @Test
  void aJudgeIsReachedAtItsPort() {
    String judge =
        "safety: {evaluation: {judge: {type: Endpoint, endpoint: {baseUrl: \"%s\", model: m}}}}";
    Map<String, Integer> ports =
        Map.of(
            "https://judge.example/v1", 443,
            "http://judge.platform/v1", 80,
            "http://judge.platform:8000/v1", 8000);
    ports.forEach(
        (url, port) ->
            assertThat(spec(Optional.empty(), judge.formatted(url)).getEgress().get(1).getPorts())
                .as(url)
                .extracting(each -> each.getPort().getIntVal())
                .containsExactly(port));
  }

  private static NetworkPolicySpec spec(Optional<URI> hub, String... lines) {
    URI store = URI.create("http://store.platform:9000");
    return TrainerNetworkPolicy.of(Examples.resource(lines), NETWORK, hub, Optional.of(store))
        .getSpec();
  }
}
