package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.safegrad.controlplane.FileTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;

/**
 * This machine as a node of a cluster: takes up the pods that are bound to it and runs each
 * container as a local process, with an own loopback address per pod. It isolates nothing: what it
 * runs are programs its owner has put into {@code images}, with the rights of its owner. CPU
 * limits, startup and liveness probes, init containers and security contexts have no effect.
 */
public final class NodeAgent implements AutoCloseable {

  static final String HOST_ADDRESS = "127.0.0.1";

  private static final Logger LOG = Logger.getLogger(NodeAgent.class.getName());
  private static final Duration HEARTBEAT = Duration.ofSeconds(10);
  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final Duration GRACE_AT_CLOSE = Duration.ofSeconds(5);

  private final KubernetesClient client;
  private final Path folder;
  private final Map<String, Image> images;
  private final Volumes volumes;
  private final Map<String, PodRunner> runners = new ConcurrentHashMap<>();
  private final Map<String, PodStatus> unreported = new ConcurrentHashMap<>();
  private final Map<String, Object> reporting = new ConcurrentHashMap<>();
  private final Set<String> beingRemoved = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
  private final LogServer logServer;
  private final SharedIndexInformer<Pod> pods;

  private NodeAgent(
      KubernetesClient client,
      String nodeName,
      Path folder,
      Map<String, Image> images,
      Path certificate,
      Path certificateKey)
      throws IOException, GeneralSecurityException {
    this.client = client;
    this.folder = folder;
    this.images = Map.copyOf(images);
    this.volumes = new Volumes(client, new ApiAccess(client));
    this.logServer = new LogServer(certificate, certificateKey, threads, new PodLogs());
    NodeRegistration registration = new NodeRegistration(client, nodeName);
    registration.register(logServer.port());
    scheduler.scheduleWithFixedDelay(
        () -> heartbeat(registration),
        HEARTBEAT.toMillis(),
        HEARTBEAT.toMillis(),
        TimeUnit.MILLISECONDS);
    this.pods =
        client.pods().inAnyNamespace().withField("spec.nodeName", nodeName).inform(new PodEvents());
  }

  /**
   * Registers the node and takes up its pods.
   *
   * @param client may do what a kubelet may do; stays the caller's to close
   * @param folder receives a folder for each pod, as long as the pod exists
   * @param images what stands in for each image; a pod with another one waits with {@code
   *     ErrImageNeverPull}
   * @param certificate for the port that serves logs to the API server, PEM
   * @param certificateKey its key, PEM
   */
  public static NodeAgent start(
      KubernetesClient client,
      String nodeName,
      Path folder,
      Map<String, Image> images,
      Path certificate,
      Path certificateKey) {
    try {
      return new NodeAgent(client, nodeName, folder, images, certificate, certificateKey);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("no TLS with " + certificate, e);
    }
  }

  /** Stops every container, then the node; the Node resource stays. */
  @Override
  public void close() {
    pods.close();
    List.copyOf(runners.values()).parallelStream().forEach(runner -> runner.stop(GRACE_AT_CLOSE));
    logServer.close();
    scheduler.shutdownNow();
    threads.shutdown();
  }

  private void heartbeat(NodeRegistration registration) {
    try {
      registration.heartbeat();
    } catch (KubernetesClientException e) {
      LOG.log(Level.WARNING, "heartbeat: {0}", e.getMessage());
    }
  }

  private void observe(Pod pod) {
    String uid = pod.getMetadata().getUid();
    PodRunner runner = runners.get(uid);
    if (pod.getMetadata().getDeletionTimestamp() != null) {
      if (beingRemoved.add(uid)) {
        threads.execute(() -> remove(pod, runner));
      }
    } else if (runner == null && hasEnded(pod)) {
      return;
    } else if (runner == null && wasRunning(pod)) {
      report(pod, PodStatuses.lost(pod));
    } else if (runner == null) {
      PodRunner created =
          new PodRunner(
              pod,
              freeAddress(),
              new PodDirectory(folder.resolve(uid)),
              volumes,
              images,
              scheduler,
              status -> report(pod, status));
      runners.put(uid, created);
      created.start(threads);
    }
  }

  private static boolean hasEnded(Pod pod) {
    String phase = pod.getStatus().getPhase();
    return "Succeeded".equals(phase) || "Failed".equals(phase);
  }

  private static boolean wasRunning(Pod pod) {
    return pod.getStatus().getContainerStatuses().stream()
        .anyMatch(status -> status.getState().getRunning() != null);
  }

  /** Ends the pod's processes, then tells the API server that nothing of it is left. */
  private void remove(Pod pod, PodRunner runner) {
    try {
      if (runner != null) {
        Long grace = pod.getMetadata().getDeletionGracePeriodSeconds();
        runner.stop(Duration.ofSeconds(grace == null ? 30 : grace));
      }
      client
          .pods()
          .inNamespace(pod.getMetadata().getNamespace())
          .withName(pod.getMetadata().getName())
          .withGracePeriod(0)
          .withPropagationPolicy(DeletionPropagation.BACKGROUND)
          .delete();
    } catch (KubernetesClientException e) {
      LOG.log(Level.WARNING, "removing pod {0}: {1}", named(pod, e));
      later(() -> remove(pod, null));
    }
  }

  private void forget(Pod pod) {
    beingRemoved.remove(pod.getMetadata().getUid());
    unreported.remove(pod.getMetadata().getUid());
    reporting.remove(pod.getMetadata().getUid());
    PodRunner runner = runners.remove(pod.getMetadata().getUid());
    if (runner != null) {
      runner.stop(Duration.ZERO);
      try {
        FileTree.delete(runner.directory().root());
      } catch (IOException e) {
        LOG.log(Level.WARNING, "removing the files of pod " + pod.getMetadata().getName(), e);
      }
    }
  }

  /** Tells the API server until it has heard it: a container ends once only. */
  private void report(Pod pod, PodStatus status) {
    unreported.put(pod.getMetadata().getUid(), status);
    report(pod);
  }

  /** One after the other, so that no older status comes last. */
  private void report(Pod pod) {
    String uid = pod.getMetadata().getUid();
    synchronized (reporting.computeIfAbsent(uid, key -> new Object())) {
      PodStatus status = unreported.remove(uid);
      if (status != null) {
        patch(pod, status);
      }
    }
  }

  /** The uid keeps the status from a new pod of the same name. */
  private void patch(Pod pod, PodStatus status) {
    Pod patch =
        new PodBuilder()
            .withNewMetadata()
            .withUid(pod.getMetadata().getUid())
            .endMetadata()
            .withStatus(status)
            .build();
    try {
      client
          .pods()
          .inNamespace(pod.getMetadata().getNamespace())
          .withName(pod.getMetadata().getName())
          .subresource("status")
          .patch(
              PatchContext.of(PatchType.STRATEGIC_MERGE),
              client.getKubernetesSerialization().asJson(patch));
    } catch (KubernetesClientException e) {
      if (e.getCode() != 404 && e.getCode() != 409) {
        LOG.log(Level.WARNING, "status of pod {0}: {1}", named(pod, e));
        unreported.putIfAbsent(pod.getMetadata().getUid(), status);
        later(() -> report(pod));
      }
    }
  }

  private void later(Runnable task) {
    if (!scheduler.isShutdown()) {
      scheduler.schedule(() -> threads.execute(task), RETRY.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private static Object[] named(Pod pod, KubernetesClientException cause) {
    // The whole message holds the status once more, in another form.
    String told = cause.getStatus() == null ? cause.getMessage() : cause.getStatus().getMessage();
    return new Object[] {pod.getMetadata().getName(), told};
  }

  private String freeAddress() {
    return IntStream.range(1, 255 * 256)
        .mapToObj(number -> "127.1.%d.%d".formatted(number / 256, number % 256))
        .filter(address -> runners.values().stream().noneMatch(it -> it.address().equals(address)))
        .findFirst()
        .orElseThrow();
  }

  private final class PodEvents implements ResourceEventHandler<Pod> {
    @Override
    public void onAdd(Pod pod) {
      observe(pod);
    }

    @Override
    public void onUpdate(Pod old, Pod pod) {
      observe(pod);
    }

    @Override
    public void onDelete(Pod pod, boolean finalStateUnknown) {
      threads.execute(() -> forget(pod));
    }
  }

  private final class PodLogs implements LogServer.Logs {
    @Override
    public Optional<Path> of(String namespace, String pod, String container) {
      return find(namespace, pod)
          .flatMap(
              found ->
                  found.getSpec().getContainers().stream()
                      .filter(it -> it.getName().equals(container))
                      .map(new PodDirectory(folder.resolve(found.getMetadata().getUid()))::log)
                      .findFirst());
    }

    @Override
    public boolean mayGrow(String namespace, String pod) {
      return find(namespace, pod)
          .map(found -> runners.get(found.getMetadata().getUid()))
          .filter(runner -> !runner.ended().isDone())
          .isPresent();
    }

    private Optional<Pod> find(String namespace, String pod) {
      return Optional.ofNullable(pods.getIndexer().getByKey(namespace + "/" + pod));
    }
  }
}
