package io.safegrad.operator.dependent;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.LabelSelectorBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRuleBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRuleBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeerBuilder;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.dependent.GarbageCollected;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.BooleanWithUndefined;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec;
import io.safegrad.operator.OperatorConfig;
import io.safegrad.operator.observe.Trimmed;
import io.safegrad.operator.plan.Address;
import io.safegrad.operator.plan.PlanResolver;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whom the trainer's pod talks with: the operator and Prometheus ask it; it asks DNS and the ports
 * of its remote sources, and nobody at all when it has none. A NetworkPolicy knows addresses, not
 * names: which hosts of the allowed networks answer is not its matter.
 */
@Singleton
@KubernetesDependent(useSSA = BooleanWithUndefined.FALSE)
public class TrainerNetworkPolicy extends KubernetesDependentResource<NetworkPolicy, SafeFineTune>
    implements Creator<NetworkPolicy, SafeFineTune>, GarbageCollected<SafeFineTune> {

  private static final String NAMESPACE_NAME = "kubernetes.io/metadata.name";
  private static final String APP = "app.kubernetes.io/name";
  private static final int DNS = 53;
  private static final int HTTPS = 443;
  private static final int HTTP = 80;

  private final OperatorConfig config;
  private final NetworkConfig network;

  @Inject
  public TrainerNetworkPolicy(OperatorConfig config, NetworkConfig network) {
    super(NetworkPolicy.class);
    this.config = config;
    this.network = network;
  }

  @Override
  protected NetworkPolicy desired(SafeFineTune resource, Context<SafeFineTune> context) {
    return of(resource, network, config.trainer().hubEndpoint(), config.trainer().s3Endpoint());
  }

  static NetworkPolicy of(
      SafeFineTune resource,
      NetworkConfig network,
      Optional<URI> hubEndpoint,
      Optional<URI> s3Endpoint) {
    List<String> addresses = addresses(PlanResolver.demandedSpec(resource));
    return new NetworkPolicyBuilder()
        .withNewMetadata()
        .withName(resource.getMetadata().getName())
        .withNamespace(resource.getMetadata().getNamespace())
        .withLabels(Labels.of(resource))
        .endMetadata()
        .withNewSpec()
        .withNewPodSelector()
        .addToMatchLabels(Labels.SAFE_FINE_TUNE, resource.getMetadata().getName())
        .endPodSelector()
        .withPolicyTypes("Ingress", "Egress")
        .withIngress(ingress(network))
        .withEgress(egress(network, ports(addresses, hubEndpoint, s3Endpoint)))
        .endSpec()
        .build();
  }

  /** Whatever a run reads from, writes to and asks. */
  private static List<String> addresses(SafeFineTuneSpec spec) {
    Judge.Endpoint judge = spec.safety().evaluation().judge().endpoint();
    return Stream.of(
            Address.readBy(spec).stream().map(Address::source),
            Stream.of(spec.output().destination()),
            Stream.ofNullable(judge).map(Judge.Endpoint::baseUrl))
        .flatMap(each -> each)
        .toList();
  }

  private static NetworkPolicyIngressRule ingress(NetworkConfig network) {
    return new NetworkPolicyIngressRuleBuilder()
        .addNewFrom()
        .withNamespaceSelector(namespaces(List.of(network.operatorNamespace())))
        .withNewPodSelector()
        .addToMatchLabels(APP, "safegrad-operator")
        .endPodSelector()
        .endFrom()
        .addNewFrom()
        .withNamespaceSelector(namespaces(network.metricsNamespaces()))
        .endFrom()
        .withPorts(port("TCP", TrainerPod.PORT))
        .build();
  }

  /** No rule lets nothing out. */
  private static List<NetworkPolicyEgressRule> egress(NetworkConfig network, Set<Integer> ports) {
    if (ports.isEmpty()) {
      return List.of();
    }
    List<NetworkPolicyPeer> peers = new ArrayList<>();
    network
        .egressCidrs()
        .forEach(cidr -> peers.add(block(cidr, inside(cidr, network.exceptCidrs()))));
    network.internalCidrs().orElse(List.of()).forEach(cidr -> peers.add(block(cidr, List.of())));
    return List.of(
        new NetworkPolicyEgressRuleBuilder()
            .addNewTo()
            .withNamespaceSelector(namespaces(List.of(network.dnsNamespace())))
            .endTo()
            .withPorts(port("UDP", DNS), port("TCP", DNS))
            .build(),
        new NetworkPolicyEgressRuleBuilder()
            .withTo(peers)
            .withPorts(ports.stream().map(each -> port("TCP", each)).toList())
            .build());
  }

  private static NetworkPolicyPeer block(String cidr, List<String> except) {
    return new NetworkPolicyPeerBuilder()
        .withNewIpBlock()
        .withCidr(cidr)
        .withExcept(except)
        .endIpBlock()
        .build();
  }

  /** An exception must be of the network's own kind. */
  private static List<String> inside(String cidr, List<String> exceptions) {
    return exceptions.stream().filter(each -> each.contains(":") == cidr.contains(":")).toList();
  }

  /** The TCP ports of a run's remote addresses. */
  private static Set<Integer> ports(
      List<String> addresses, Optional<URI> hubEndpoint, Optional<URI> s3Endpoint) {
    return addresses.stream()
        .flatMap(address -> port(address, hubEndpoint, s3Endpoint))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Stream<Integer> port(
      String source, Optional<URI> hubEndpoint, Optional<URI> s3Endpoint) {
    if (List.of("builtin", "file", "pvc").contains(source.split(":", 2)[0])) {
      return Stream.empty();
    }
    Optional<URI> endpoint =
        source.startsWith("hf://")
            ? hubEndpoint
            : source.startsWith("s3://") ? s3Endpoint : Optional.of(authority(source));
    return Stream.of(endpoint.map(TrainerNetworkPolicy::portOf).orElse(HTTPS));
  }

  /** A path may hold what a URI may not. */
  private static URI authority(String source) {
    String scheme = source.startsWith("http://") ? "http://" : "https://";
    return URI.create(scheme + source.split("/", 4)[2].replaceFirst("[?#].*$", ""));
  }

  private static int portOf(URI address) {
    if (address.getPort() > 0) {
      return address.getPort();
    }
    return "http".equals(address.getScheme()) ? HTTP : HTTPS;
  }

  private static LabelSelector namespaces(List<String> names) {
    return new LabelSelectorBuilder()
        .addNewMatchExpression()
        .withKey(NAMESPACE_NAME)
        .withOperator("In")
        .withValues(names)
        .endMatchExpression()
        .build();
  }

  private static NetworkPolicyPort port(String protocol, int number) {
    return new NetworkPolicyPort(null, new IntOrString(number), protocol);
  }

  @Override
  protected InformerEventSource<NetworkPolicy, SafeFineTune> createEventSource(
      EventSourceContext<SafeFineTune> context) {
    return new InformerEventSource<>(
        informerConfigurationBuilder(context)
            .withName(name())
            .withSecondaryToPrimaryMapper(getSecondaryToPrimaryMapper(context).orElseThrow())
            .withLabelSelector(Labels.SELECTOR)
            .withItemStore(Trimmed.store(policy -> policy.setSpec(null)))
            .withInformerListLimit(Trimmed.PAGE)
            .build(),
        context);
  }

  /** The policy of this very resource. */
  @Override
  protected Optional<NetworkPolicy> selectTargetSecondaryResource(
      Set<NetworkPolicy> candidates, SafeFineTune resource, Context<SafeFineTune> context) {
    return candidates.stream()
        .filter(one -> one.getMetadata().getName().equals(resource.getMetadata().getName()))
        .filter(one -> one.hasOwnerReferenceFor(resource))
        .findFirst();
  }
}
