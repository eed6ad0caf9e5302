package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.logging.Level;
import java.util.logging.Logger;

/** One pod from its binding to this node until all its containers have ended. */
final class PodRunner {

  private static final Logger LOG = Logger.getLogger(PodRunner.class.getName());
  private static final Duration RETRY = Duration.ofSeconds(2);

  private final Pod pod;
  private final String address;
  private final PodDirectory directory;
  private final Volumes volumes;
  private final Consumer<PodStatus> report;
  private final List<ContainerRunner> containers;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private PodStatus status;

  /**
   * @param address the pod's own loopback address
   * @param report receives the pod's status whenever it has changed
   */
  PodRunner(
      Pod pod,
      String address,
      PodDirectory directory,
      Volumes volumes,
      Map<String, Image> images,
      ScheduledExecutorService scheduler,
      Consumer<PodStatus> report) {
    this.pod = pod;
    this.address = address;
    this.directory = directory;
    this.volumes = volumes;
    this.report = report;
    this.status = pod.getStatus();
    this.containers =
        pod.getSpec().getContainers().stream()
            .map(
                container ->
                    new ContainerRunner(
                        pod,
                        container,
                        directory,
                        new ContainerEnvironment(pod, container, address, directory, volumes),
                        images,
                        scheduler,
                        ReadinessProbe.of(container, address),
                        this::changed))
            .toList();
  }

  String address() {
    return address;
  }

  PodDirectory directory() {
    return directory;
  }

  /** Completes when all containers have ended and the last status is reported. */
  CompletableFuture<Void> ended() {
    return ended;
  }

  /** Takes the pod up: volumes first, then all containers side by side. */
  void start(ExecutorService threads) {
    threads.execute(
        () -> {
          try {
            changed();
            createVolumes();
            CompletableFuture<?>[] runs =
                containers.stream()
                    .map(container -> CompletableFuture.runAsync(() -> run(container), threads))
                    .toArray(CompletableFuture[]::new);
            CompletableFuture.allOf(runs).join();
          } catch (IOException | RuntimeException e) {
            LOG.log(Level.SEVERE, "pod " + pod.getMetadata().getName(), e);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          } finally {
            ended.complete(null);
          }
        });
  }

  /** SIGTERM, SIGKILL after the grace period; returns when all containers have ended. */
  void stop(Duration grace) {
    stopping.countDown();
    containers.forEach(ContainerRunner::terminate);
    try {
      ended.get(grace.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      containers.forEach(ContainerRunner::kill);
      ended.join();
    } catch (ExecutionException e) {
      throw new AssertionError("it never completes with an exception", e);
    } catch (InterruptedException e) {
      containers.forEach(ContainerRunner::kill);
      Thread.currentThread().interrupt();
    }
  }

  private void createVolumes() throws IOException, InterruptedException {
    while (stopping.getCount() > 0) {
      try {
        volumes.create(pod, address, directory);
        return;
      } catch (NotRunnableException e) {
        waitFor(e);
      } catch (KubernetesClientException e) {
        waitFor(NotRunnableException.refused(e));
      }
    }
  }

  private void waitFor(NotRunnableException cause) throws InterruptedException {
    containers.forEach(container -> container.waitFor(cause));
    stopping.await(RETRY.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void run(ContainerRunner container) {
    try {
      container.run();
    } catch (IOException e) {
      LOG.log(Level.SEVERE, "pod " + pod.getMetadata().getName(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void changed() {
    status =
        PodStatuses.of(
            pod, address, status, containers.stream().map(ContainerRunner::status).toList());
    report.accept(status);
  }
}
