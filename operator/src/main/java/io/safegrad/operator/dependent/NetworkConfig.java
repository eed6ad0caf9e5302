package io.safegrad.operator.dependent;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.List;
import java.util.Optional;

/** Whom a trainer's pod may talk with. */
@ConfigMapping(prefix = "safegrad.network")
public interface NetworkConfig {

  /** The operator's own namespace, whose pods may ask the trainer. */
  @WithDefault("safegrad-system")
  String operatorNamespace();

  /** Namespaces from which the trainer's metrics may be read. */
  @WithDefault("monitoring")
  List<String> metricsNamespaces();

  /** The namespace of the cluster's DNS. */
  @WithDefault("kube-system")
  String dnsNamespace();

  /** Networks in which remote sources are. */
  @WithDefault("0.0.0.0/0")
  List<String> egressCidrs();

  /** What of them is out of reach: the cluster's own networks and the cloud's metadata service. */
  @WithDefault("10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.168.0.0/16")
  List<String> exceptCidrs();

  /** Networks within reach all the same, for example of a hub or a store inside. */
  Optional<List<String>> internalCidrs();
}
