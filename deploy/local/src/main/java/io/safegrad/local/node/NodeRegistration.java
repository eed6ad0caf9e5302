package io.safegrad.local.node;

import com.sun.management.OperatingSystemMXBean;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeConditionBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.lang.management.ManagementFactory;
import java.net.HttpURLConnection;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Map;

/** This machine as a Node, and its heartbeat. */
final class NodeRegistration {

  private static final String LEASES = "kube-node-lease";
  private static final int LEASE_SECONDS = 40;
  private static final int PODS = 110;
  private static final int ATTEMPTS = 10;

  private final KubernetesClient client;
  private final String name;

  NodeRegistration(KubernetesClient client, String name) {
    this.client = client;
    this.name = name;
  }

  /**
   * Registers the node as ready.
   *
   * @param logPort where the node answers the API server's requests for logs
   */
  void register(int logPort) {
    Node node =
        new NodeBuilder()
            .withNewMetadata()
            .withName(name)
            .addToLabels("kubernetes.io/hostname", name)
            .addToLabels("kubernetes.io/os", "linux")
            .endMetadata()
            .build();
    if (client.nodes().withName(name).get() == null) {
      client.resource(node).create();
    }
    setStatus(logPort);
    heartbeat();
  }

  /** The controllers write to a new node, too; when they come between, it is read again. */
  private void setStatus(int logPort) {
    for (int attempt = 1; ; attempt++) {
      try {
        client.nodes().withName(name).editStatus(current -> withStatus(current, logPort));
        return;
      } catch (KubernetesClientException e) {
        if (e.getCode() != HttpURLConnection.HTTP_CONFLICT || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /** Renews the lease that says this node is alive. */
  void heartbeat() {
    ZonedDateTime now = ZonedDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MICROS);
    var leases = client.leases().inNamespace(LEASES);
    Lease lease = leases.withName(name).get();
    if (lease == null) {
      leases
          .resource(
              new LeaseBuilder()
                  .withNewMetadata()
                  .withName(name)
                  .withNamespace(LEASES)
                  .endMetadata()
                  .withNewSpec()
                  .withHolderIdentity(name)
                  .withLeaseDurationSeconds(LEASE_SECONDS)
                  .withRenewTime(now)
                  .endSpec()
                  .build())
          .create();
    } else {
      leases
          .resource(new LeaseBuilder(lease).editSpec().withRenewTime(now).endSpec().build())
          .update();
    }
  }

  private Node withStatus(Node node, int logPort) {
    Map<String, Quantity> capacity = capacity();
    return new NodeBuilder(node)
        .withNewStatus()
        .withCapacity(capacity)
        .withAllocatable(capacity)
        .withConditions(
            condition("Ready", "True", "NodeAgentReady"),
            condition("MemoryPressure", "False", "NodeAgentHasSufficientMemory"),
            condition("DiskPressure", "False", "NodeAgentHasNoDiskPressure"),
            condition("PIDPressure", "False", "NodeAgentHasSufficientPID"))
        .addNewAddress(NodeAgent.HOST_ADDRESS, "InternalIP")
        .withNewDaemonEndpoints()
        .withNewKubeletEndpoint(logPort)
        .endDaemonEndpoints()
        .withNewNodeInfo()
        .withOperatingSystem("linux")
        .withArchitecture(System.getProperty("os.arch"))
        .withKernelVersion(System.getProperty("os.version"))
        .withOsImage("this machine")
        .withContainerRuntimeVersion("process://1")
        .withKubeletVersion("safegrad-local")
        .withKubeProxyVersion("")
        .withMachineID("")
        .withSystemUUID("")
        .withBootID("")
        .endNodeInfo()
        .endStatus()
        .build();
  }

  private static Map<String, Quantity> capacity() {
    OperatingSystemMXBean machine =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return Map.of(
        "cpu", new Quantity(Integer.toString(Runtime.getRuntime().availableProcessors())),
        "memory", new Quantity(machine.getTotalMemorySize() / 1024 + "Ki"),
        "ephemeral-storage", new Quantity("64Gi"),
        "pods", new Quantity(Integer.toString(PODS)));
  }

  private static NodeCondition condition(String type, String status, String reason) {
    return new NodeConditionBuilder()
        .withType(type)
        .withStatus(status)
        .withReason(reason)
        .withMessage("")
        .withLastHeartbeatTime(PodStatuses.now())
        .withLastTransitionTime(PodStatuses.now())
        .build();
  }
}
