package io.safegrad.local;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.safegrad.controlplane.ControlPlane;
import io.safegrad.controlplane.FileTree;
import io.safegrad.local.node.Image;
import io.safegrad.local.node.NodeAgent;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A cluster of one machine: control plane, node agent and operator, all in one folder, all gone
 * when it is closed. Claims of it are folders under {@code volumes}, which stay.
 */
final class LocalCluster implements AutoCloseable {

  private final Path folder;
  private final Repository repository;
  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final ControlPlane controlPlane;
  private final KubernetesClient client;
  private final ClusterResources resources;
  private OperatorProcess operator;

  private LocalCluster(Path folder, Repository repository, FileChannel lock, Path binaries) {
    this.folder = folder;
    this.repository = repository;
    this.started.push(lock);
    try {
      for (String name : List.of("cluster", "pods")) {
        FileTree.delete(folder.resolve(name));
        Files.createDirectories(folder.resolve(name));
      }
      this.controlPlane =
          ControlPlane.start(binaries, folder.resolve("cluster"), ControlPlane.Options.complete());
    } catch (IOException e) {
      close();
      throw new LocalException("cannot write " + folder + ": " + e);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    this.started.push(controlPlane);
    this.client = clientOf(controlPlane.kubeconfig());
    this.started.push(client);
    this.resources = new ClusterResources(client);
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
    LocalCluster cluster = startEmpty(binaries, folder, repository, progress);
    try {
      cluster.resources.installCrds();
      cluster.resources.installAdmission(repository.admission());
      progress.accept("starting the operator");
      cluster.startOperator();
      return cluster;
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /** The same, with nothing of SafeGrad in it: for what installs the operator as a pod. */
  static LocalCluster startEmpty(
      Path binaries, Path folder, Repository repository, Consumer<String> progress) {
    Path absolute = folder.toAbsolutePath().normalize();
    FileChannel lock = lock(absolute);
    progress.accept("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler");
    LocalCluster cluster = new LocalCluster(absolute, repository, lock, binaries);
    try {
      cluster.startNode();
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

  /** Makes a namespace with a claim in it. */
  void createNamespaceWithClaim(String namespace, String claim) {
    resources.createNamespaceWithClaim(namespace, claim, claimFolder(claim));
  }

  /** The folder behind a claim. */
  Path claimFolder(String claim) {
    return folder.resolve("volumes").resolve(claim);
  }

  /** Applies the SafeFineTune of a manifest in a namespace; returns its name. */
  String apply(Path manifest, String namespace) {
    try (InputStream stream = Files.newInputStream(manifest)) {
      List<HasMetadata> resources = client.load(stream).items();
      for (HasMetadata resource : resources) {
        resource.getMetadata().setNamespace(namespace);
        this.resources.apply(resource);
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

  /** Two clusters in one folder would take each other's files away. */
  private static FileChannel lock(Path folder) {
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(
              folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (channel.tryLock() == null) {
        channel.close();
        throw new LocalException(
            folder
                + " is in use by another cluster: end that one with Ctrl-C, or name another folder"
                + " with --folder");
      }
      return channel;
    } catch (IOException e) {
      throw new LocalException("cannot write " + folder + ": " + e);
    }
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
    Image operatorImage =
        new Image(
            OperatorProcess.command(repository.operator()),
            Map.of("QUARKUS_HTTP_HOST", "$(POD_IP)"));
    started.push(
        NodeAgent.start(
            nodeClient,
            ControlPlane.NODE_NAME,
            folder.resolve("pods"),
            Map.of(Repository.TRAINER_IMAGE, trainer, Repository.OPERATOR_IMAGE, operatorImage),
            controlPlane.certificate(),
            controlPlane.certificateKey()));
  }

  private void startOperator() {
    Path kubeconfig =
        controlPlane.writeKubeconfig(
            ClusterResources.OPERATOR, resources.createOperatorAccount(repository.operatorRole()));
    operator = OperatorProcess.start(repository.operator(), kubeconfig, folder.resolve("cluster"));
    started.push(operator);
  }

  private static KubernetesClient clientOf(Path kubeconfig) {
    return new KubernetesClientBuilder()
        .withConfig(Config.fromKubeconfig(kubeconfig.toFile()))
        .build();
  }
}
