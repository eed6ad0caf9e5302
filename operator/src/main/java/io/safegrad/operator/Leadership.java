package io.safegrad.operator;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.safegrad.operator.dependent.NetworkConfig;
import io.safegrad.operator.metrics.OperatorMetric;
import io.safegrad.operator.observe.Sentence;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.Objects;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of several operators acts. The others follow the cluster and stand by. One that is asked to
 * end gives the lease back; one that lost it otherwise ends at once, so that nothing is done twice.
 */
@Singleton
public class Leadership {

  private static final Logger LOG = LoggerFactory.getLogger(Leadership.class);

  /** After a leader that vanished, and after a look at its lease, the next one leads. */
  private static final Duration LEASE_DURATION = Duration.ofSeconds(15);

  private static final Duration RENEW_DEADLINE = Duration.ofSeconds(10);

  /** The client waits for up to 2.2 times as long between two looks. */
  private static final Duration RETRY_PERIOD = Duration.ofSeconds(1);

  private static final int FAILURE = 1;

  private final OperatorConfig.LeaderElection config;
  private final String namespace;
  private final KubernetesClient client;

  /** Unlike a host's name, never shared by two processes. */
  private final String identity =
      Objects.requireNonNullElse(System.getenv("HOSTNAME"), "operator") + "_" + UUID.randomUUID();

  private volatile boolean leading;
  private volatile boolean stopping;

  @Inject
  public Leadership(
      OperatorConfig config,
      NetworkConfig network,
      KubernetesClient client,
      MeterRegistry registry) {
    this.config = config.leaderElection();
    this.namespace = network.operatorNamespace();
    this.client = client;
    this.leading = !config.leaderElection().enabled();
    Gauge.builder(OperatorMetric.LEADER.meter(), this, one -> one.leads() ? 1 : 0)
        .description(OperatorMetric.LEADER.help())
        .tag("lease", config.leaderElection().lease())
        .register(registry);
  }

  /** Whether this operator acts. */
  public boolean leads() {
    return leading;
  }

  /** What the SDK elects by; null for an operator that is alone. */
  @Produces
  @Dependent
  LeaderElectionConfiguration election() {
    return config.enabled()
        ? LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(config.lease())
            .withLeaseNamespace(namespace)
            .withIdentity(identity)
            .withLeaseDuration(LEASE_DURATION)
            .withRenewDeadline(RENEW_DEADLINE)
            .withRetryPeriod(RETRY_PERIOD)
            // The SDK would call System.exit in the middle of an orderly end, which then hangs.
            .withExitOnStopLeading(false)
            .withLeaderCallbacks(new LeaderCallbacks(this::begin, this::end, leader -> {}))
            .build()
        : null;
  }

  /** Before the SDK stops. */
  void onStop(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) ShutdownEvent event) {
    stopping = true;
  }

  private void begin() {
    leading = true;
    LOG.info("Leads, by the lease {}/{}", namespace, config.lease());
  }

  private void end() {
    leading = false;
    if (stopping) {
      release();
      return;
    }
    LOG.error(
        "Lost the lease {}/{}; ends, so that nothing is done twice", namespace, config.lease());
    Runtime.getRuntime().halt(FAILURE);
  }

  /** Nothing is reconciled any more: the next one need not wait until the lease runs out. */
  private void release() {
    try {
      Lease lease = client.leases().inNamespace(namespace).withName(config.lease()).get();
      if (lease != null && identity.equals(lease.getSpec().getHolderIdentity())) {
        lease.getSpec().setHolderIdentity("");
        client.resource(lease).lockResourceVersion().update();
        LOG.info("Gave the lease {}/{} back", namespace, config.lease());
      }
    } catch (KubernetesClientException e) {
      LOG.warn("The lease was not given back and runs out: {}", Sentence.of(e.getMessage()));
    }
  }
}
