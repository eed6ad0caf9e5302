package io.safegrad.controlplane;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A real Kubernetes control plane on loopback: etcd, kube-apiserver and, as asked for,
 * kube-controller-manager and kube-scheduler, as child processes that end with this JVM. Every file
 * of it lies in one folder; the user's own kubeconfig is never read or written.
 */
public final class ControlPlane implements AutoCloseable {

  /** The node that may use {@link #nodeKubeconfig()}. */
  public static final String NODE_NAME = "local";

  static final String NODE_USER = "system:node:" + NODE_NAME;

  private static final String ADMIN = "admin";
  private static final String CERTIFICATE = "pki/apiserver.crt";

  /** A unix socket, relative to the folder that etcd and kube-apiserver both run in. */
  private static final String ETCD = "unix://etcd.sock:0";

  private static final String ETCD_PEERS = "unix://etcd-peers.sock:0";
  private static final int ATTEMPTS = 3;

  /** Without those for clouds, nodes' networks and workloads that nothing here runs. */
  private static final List<String> CONTROLLERS =
      List.of(
          "job-controller",
          "deployment-controller",
          "replicaset-controller",
          "garbage-collector-controller",
          "namespace-controller",
          "serviceaccount-controller",
          "serviceaccount-token-controller",
          "root-ca-certificate-publisher-controller",
          "ttl-after-finished-controller",
          "pod-garbage-collector-controller",
          "disruption-controller",
          "persistentvolume-binder-controller",
          "persistentvolumeclaim-protection-controller",
          "persistentvolume-protection-controller",
          "resourcequota-controller",
          "node-lifecycle-controller",
          "taint-eviction-controller");

  /**
   * What to start besides etcd and kube-apiserver.
   *
   * @param controllers whether kube-controller-manager runs: Jobs get Pods, owners' children are
   *     collected
   * @param scheduler whether kube-scheduler runs: Pods get Nodes
   * @param startTimeout how long everything may take to be ready
   * @param apiServerFlags further flags of kube-apiserver, for example for auditing
   * @param controllerManagerFlags further flags of kube-controller-manager, for example its pace
   */
  public record Options(
      boolean controllers,
      boolean scheduler,
      Duration startTimeout,
      List<String> apiServerFlags,
      List<String> controllerManagerFlags) {

    /** A whole control plane. */
    public static Options complete() {
      return new Options(true, true, Duration.ofMinutes(3), List.of(), List.of());
    }

    /** For tests of an operator: Jobs get Pods, which stay pending. */
    public static Options withoutScheduler() {
      return new Options(true, false, Duration.ofMinutes(3), List.of(), List.of());
    }

    public Options withApiServerFlags(String... flags) {
      return new Options(
          controllers, scheduler, startTimeout, List.of(flags), controllerManagerFlags);
    }

    public Options withControllerManagerFlags(String... flags) {
      return new Options(controllers, scheduler, startTimeout, apiServerFlags, List.of(flags));
    }
  }

  private final Path binaries;
  private final Path folder;
  private final Options options;
  private final Credentials credentials;
  private final Components components;
  private ChildProcess apiServer;
  private int port;
  private String server;
  private Path adminKubeconfig;
  private Path nodeKubeconfig;

  private ControlPlane(Path binaries, Path folder, Options options) throws IOException {
    this.binaries = binaries;
    this.folder = folder;
    this.options = options;
    Files.createDirectories(folder.resolve("logs"));
    // etcd's socket asks for no password.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    this.credentials = Credentials.create(folder);
    this.components = new Components(binaries, folder);
  }

  /**
   * Starts a control plane and waits until it is ready: the API server serves, and with controllers
   * the namespace {@code default} has its service account.
   *
   * @param binaries the folder that {@link ControlPlaneBinaries#resolve} returned
   * @param folder where all files go; one that an earlier control plane left is taken up again
   * @throws ControlPlaneException when it does not become ready; the message has the last lines of
   *     the log of the program that failed, and nothing is left running
   */
  public static ControlPlane start(Path binaries, Path folder, Options options) {
    try {
      ControlPlane controlPlane = new ControlPlane(binaries, folder.toAbsolutePath(), options);
      try {
        controlPlane.startAll();
      } catch (RuntimeException | IOException e) {
        controlPlane.close();
        throw e;
      }
      return controlPlane;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The API server's address, for example {@code https://127.0.0.1:40123}. */
  public String server() {
    return server;
  }

  /** A kubeconfig of a cluster administrator. */
  public Path kubeconfig() {
    return adminKubeconfig;
  }

  /** A kubeconfig of the node {@value #NODE_NAME}: it may do what a kubelet may do. */
  public Path nodeKubeconfig() {
    return nodeKubeconfig;
  }

  /**
   * Writes a kubeconfig into the control plane's folder.
   *
   * @param name of the file, without {@code .kubeconfig}, and of the user in it
   * @param token a bearer token, for example of a service account
   */
  public Path writeKubeconfig(String name, String token) {
    try {
      return credentials.writeKubeconfig(name + ".kubeconfig", name, token, server, certificate());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** kubectl of the same version. */
  public Path kubectl() {
    return binaries.resolve("kubectl");
  }

  /** The certificate chain (PEM) the API server shows. */
  public Path certificate() {
    return folder.resolve(CERTIFICATE);
  }

  /** The certificate's private key (PEM). */
  public Path certificateKey() {
    return folder.resolve("pki/apiserver.key");
  }

  /** Ends the API server alone, for tests of those who need it. Nobody else may use this object. */
  public void stopApiServer() {
    components.stop(apiServer);
  }

  /**
   * Starts the API server again, at the same address and with what etcd holds, and waits until it
   * serves.
   */
  public void startApiServer() {
    try {
      apiServer = runApiServer();
      components.await(
          "kube-apiserver",
          apiServer,
          System.nanoTime() + options.startTimeout().toNanos(),
          () -> probe().answers("/readyz"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Stops what was started, the last one first: etcd outlives the API server. */
  @Override
  public void close() {
    components.close();
  }

  private void startAll() throws IOException {
    long deadline = System.nanoTime() + options.startTimeout().toNanos();
    startEtcd();
    startApiServer(deadline);
    if (options.scheduler()) {
      components.run(
          "kube-scheduler",
          "--kubeconfig=" + kubeconfigOf("system:kube-scheduler", "scheduler.kubeconfig"),
          "--secure-port=0",
          "--leader-elect=false");
    }
    if (options.controllers()) {
      String account = "/api/v1/namespaces/default/serviceaccounts/default";
      components.await(
          "kube-controller-manager",
          startControllerManager(),
          deadline,
          () -> probe().answers(account));
    }
    if (!apiServer.isAlive()) {
      throw components.failure("kube-apiserver");
    }
  }

  private void startEtcd() throws IOException {
    // A socket that a killed etcd left behind would be taken for a running one.
    Files.deleteIfExists(folder.resolve("etcd.sock:0"));
    Files.deleteIfExists(folder.resolve("etcd-peers.sock:0"));
    components.run(
        "etcd",
        "--data-dir=etcd",
        "--unsafe-no-fsync",
        "--listen-client-urls=" + ETCD,
        "--advertise-client-urls=" + ETCD,
        "--listen-peer-urls=" + ETCD_PEERS,
        "--initial-advertise-peer-urls=" + ETCD_PEERS,
        "--initial-cluster=default=" + ETCD_PEERS);
  }

  /** A free port may be taken by someone else before the API server has it: then another one. */
  private void startApiServer(long deadline) throws IOException {
    for (int attempt = 1; ; attempt++) {
      port = freePort();
      server = "https://127.0.0.1:" + port;
      apiServer = runApiServer();
      try {
        components.await("kube-apiserver", apiServer, deadline, () -> probe().answers("/readyz"));
        adminKubeconfig = kubeconfigOf(ADMIN, "kubeconfig");
        nodeKubeconfig = kubeconfigOf(NODE_USER, "node.kubeconfig");
        return;
      } catch (ControlPlaneException e) {
        if (attempt == ATTEMPTS || !e.getMessage().contains("address already in use")) {
          throw e;
        }
        components.stop(apiServer);
      }
    }
  }

  private ChildProcess runApiServer() throws IOException {
    List<String> flags = new ArrayList<>();
    flags.addAll(
        List.of(
            "--etcd-servers=" + ETCD,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--secure-port=" + port,
            "--cert-dir=pki",
            "--token-auth-file=" + Credentials.TOKENS,
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + Credentials.SERVICE_ACCOUNT_PUBLIC_KEY,
            "--service-account-signing-key-file=" + Credentials.SERVICE_ACCOUNT_KEY,
            "--service-cluster-ip-range=10.96.0.0/16",
            // There is no network whose members could reach the API server's endpoint.
            "--endpoint-reconciler-type=none"));
    flags.addAll(options.apiServerFlags());
    return components.run("kube-apiserver", flags.toArray(String[]::new));
  }

  private ChildProcess startControllerManager() throws IOException {
    List<String> flags = new ArrayList<>();
    flags.addAll(
        List.of(
            "--kubeconfig="
                + kubeconfigOf("system:kube-controller-manager", "controller-manager.kubeconfig"),
            "--secure-port=0",
            "--leader-elect=false",
            "--service-account-private-key-file=" + Credentials.SERVICE_ACCOUNT_KEY,
            "--root-ca-file=" + CERTIFICATE,
            "--controllers=" + String.join(",", CONTROLLERS)));
    flags.addAll(options.controllerManagerFlags());
    return components.run("kube-controller-manager", flags.toArray(String[]::new));
  }

  private ApiServerProbe probe() {
    return new ApiServerProbe(server, credentials.token(ADMIN), certificate());
  }

  private Path kubeconfigOf(String user, String file) throws IOException {
    return credentials.writeKubeconfig(file, user, credentials.token(user), server, certificate());
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }
}
