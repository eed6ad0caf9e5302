package io.safegrad.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeBuilder;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaimBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.authentication.TokenRequest;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.safegrad.api.Manifest;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.FileTree;
import io.safegrad.local.node.Image;
import io.safegrad.local.node.NodeAgent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A cluster of one machine: control plane, node agent and operator, all in one folder, all gone
 * when it is closed. Claims of it are folders under {@code volumes}, which stay.
 */
final class LocalCluster implements AutoCloseable {

  private static final String FIELD_MANAGER = "safegrad-local";
  private static final String CLAIM_SIZE = "10Gi";
  private static final int CRD_SECONDS = 60;
  private static final String OPERATOR = "safegrad-operator";
  private static final String OPERATOR_NAMESPACE = "safegrad-system";

  /** A week: no cluster on one machine stays up for longer. */
  private static final long TOKEN_SECONDS = 7 * 24 * 3600;

  private final Path folder;
  private final Repository repository;
  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final ControlPlane controlPlane;
  private final KubernetesClient client;
  private OperatorProcess operator;
  private Path operatorKubeconfig;

  private LocalCluster(Path folder, Repository repository, ControlPlane controlPlane) {
    this.folder = folder;
    this.repository = repository;
    this.controlPlane = controlPlane;
    this.started.push(controlPlane);
    this.client = clientOf(controlPlane.kubeconfig());
    this.started.push(client);
  }

  /**
   * Starts everything and waits until it is ready.
   *
   * @param binaries the control plane's programs
   * @param folder receives {@code cluster} and {@code pods}, emptied first, and {@code volumes}
   * @param progress receives a line for each step
   */
  static LocalCluster start(
      Path binaries, Path folder, Repository repository, Consumer<String> progress) {
    Path absolute = folder.toAbsolutePath().normalize();
    try {
      for (String name : List.of("cluster", "pods")) {
        FileTree.delete(absolute.resolve(name));
        Files.createDirectories(absolute.resolve(name));
      }
    } catch (IOException e) {
      throw new LocalException("cannot write " + absolute + ": " + e);
    }
    progress.accept("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler");
    ControlPlane controlPlane =
        ControlPlane.start(binaries, absolute.resolve("cluster"), ControlPlane.Options.complete());
    LocalCluster cluster = new LocalCluster(absolute, repository, controlPlane);
    try {
      cluster.installCrd();
      cluster.startNode();
      cluster.createOperatorAccount();
      progress.accept("starting the operator");
      cluster.startOperator();
      return cluster;
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** A client with an administrator's rights. */
  KubernetesClient client() {
    return client;
  }

  /** For kubectl, with an administrator's rights. */
  Path kubeconfig() {
    return controlPlane.kubeconfig();
  }

  /** kubectl of the cluster's version. */
  Path kubectl() {
    return controlPlane.kubectl();
  }

  OperatorProcess operator() {
    return operator;
  }

  /** Starts the operator, again when it has ended. */
  void startOperator() {
    if (operator != null) {
      started.remove(operator);
      operator.close();
    }
    operator =
        OperatorProcess.start(repository.operator(), operatorKubeconfig, folder.resolve("cluster"));
    started.push(operator);
  }

  /** Makes a namespace with a claim in it. */
  void createNamespaceWithClaim(String namespace, String claim) {
    apply(new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build());
    client
        .serviceAccounts()
        .inNamespace(namespace)
        .withName("default")
        .waitUntilCondition(account -> account != null, 1, TimeUnit.MINUTES);
    Path path = claimFolder(claim);
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw new LocalException("cannot write " + path + ": " + e);
    }
    String volume = namespace + "-" + claim;
    apply(
        new PersistentVolumeBuilder()
            .withNewMetadata()
            .withName(volume)
            .endMetadata()
            .withNewSpec()
            .withAccessModes("ReadWriteMany")
            .addToCapacity("storage", new Quantity(CLAIM_SIZE))
            .withNewHostPath(path.toString(), "Directory")
            .withPersistentVolumeReclaimPolicy("Retain")
            .endSpec()
            .build());
    apply(
        new PersistentVolumeClaimBuilder()
            .withNewMetadata()
            .withName(claim)
            .withNamespace(namespace)
            .endMetadata()
            .withNewSpec()
            .withAccessModes("ReadWriteMany")
            .withStorageClassName("")
            .withVolumeName(volume)
            .withNewResources()
            .addToRequests("storage", new Quantity(CLAIM_SIZE))
            .endResources()
            .endSpec()
            .build());
  }

  /** The folder behind a claim. */
  Path claimFolder(String claim) {
    return folder.resolve("volumes").resolve(claim);
  }

  /** Applies one resource. */
  <T extends HasMetadata> T apply(T resource) {
    return client.resource(resource).fieldManager(FIELD_MANAGER).forceConflicts().serverSideApply();
  }

  /** Applies the SafeFineTune of a manifest in a namespace; returns its name. */
  String apply(Path manifest, String namespace) {
    try (InputStream stream = Files.newInputStream(manifest)) {
      List<HasMetadata> resources = client.load(stream).items();
      for (HasMetadata resource : resources) {
        resource.getMetadata().setNamespace(namespace);
        apply(resource);
      }
      return resources.stream()
          .filter(resource -> resource.getKind().equals("SafeFineTune"))
          .map(resource -> resource.getMetadata().getName())
          .findFirst()
          .orElseThrow(() -> new LocalException(manifest + " has no SafeFineTune"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Stops what was started, the last one first. */
  @Override
  public void close() {
    while (!started.isEmpty()) {
      try {
        started.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException("while stopping", e);
      }
    }
  }

  private void installCrd() {
    try (InputStream stream = SafeFineTune.class.getResourceAsStream(Manifest.CRD_RESOURCE)) {
      CustomResourceDefinition crd =
          apply(client.apiextensions().v1().customResourceDefinitions().load(stream).item());
      client
          .resource(crd)
          .waitUntilCondition(LocalCluster::isEstablished, CRD_SECONDS, TimeUnit.SECONDS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The operator has the rights it has in a cluster, and no others. */
  private void createOperatorAccount() {
    apply(
        new NamespaceBuilder()
            .withNewMetadata()
            .withName(OPERATOR_NAMESPACE)
            .endMetadata()
            .build());
    apply(
        new ServiceAccountBuilder()
            .withNewMetadata()
            .withName(OPERATOR)
            .withNamespace(OPERATOR_NAMESPACE)
            .endMetadata()
            .build());
    ClusterRole role =
        apply(client.rbac().clusterRoles().load(repository.operatorRole().toFile()).item());
    apply(
        new ClusterRoleBindingBuilder()
            .withNewMetadata()
            .withName(OPERATOR)
            .endMetadata()
            .withNewRoleRef(
                "rbac.authorization.k8s.io", "ClusterRole", role.getMetadata().getName())
            .addNewSubject("", "ServiceAccount", OPERATOR, OPERATOR_NAMESPACE)
            .build());
    TokenRequest request =
        new TokenRequestBuilder()
            .withNewSpec()
            .withExpirationSeconds(TOKEN_SECONDS)
            .endSpec()
            .build();
    String token =
        client
            .serviceAccounts()
            .inNamespace(OPERATOR_NAMESPACE)
            .withName(OPERATOR)
            .tokenRequest(request)
            .getStatus()
            .getToken();
    operatorKubeconfig = controlPlane.writeKubeconfig(OPERATOR, token);
  }

  private static boolean isEstablished(CustomResourceDefinition crd) {
    return crd != null
        && crd.getStatus() != null
        && crd.getStatus().getConditions().stream()
            .anyMatch(it -> it.getType().equals("Established") && it.getStatus().equals("True"));
  }

  private void startNode() {
    KubernetesClient nodeClient = clientOf(controlPlane.nodeKubeconfig());
    started.push(nodeClient);
    String cache = System.getenv("DJL_CACHE_DIR");
    Path libtorch = cache == null ? folder.resolve("djl-cache") : Path.of(cache).toAbsolutePath();
    Image trainer =
        new Image(
            List.of(repository.trainer().toString()),
            // Half a gigabyte of libtorch are not unpacked again for each pod.
            Map.of("DJL_CACHE_DIR", libtorch.toString()));
    started.push(
        NodeAgent.start(
            nodeClient,
            ControlPlane.NODE_NAME,
            folder.resolve("pods"),
            Map.of(Repository.TRAINER_IMAGE, trainer),
            controlPlane.certificate(),
            controlPlane.certificateKey()));
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .build();
  }
}
