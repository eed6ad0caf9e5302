package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.controlplane.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** One container of a pod: a process, started anew as the pod's restart policy says. */
final class ContainerRunner {

  private static final Duration RETRY = Duration.ofSeconds(2);
  private static final int KILLED = 128 + 9;
  private static final int MESSAGE_BYTES = 4096;
  private static final int LOG_BYTES_IN_MESSAGE = 2048;

  private final Pod pod;
  private final Container container;
  private final PodDirectory directory;
  private final ContainerEnvironment environment;
  private final Map<String, Image> images;
  private final ScheduledExecutorService scheduler;
  private final Optional<ReadinessProbe> readiness;
  private final Runnable changed;
  private final CountDownLatch stopping = new CountDownLatch(1);
  private volatile ContainerStatus status;
  private volatile ChildProcess process;

  ContainerRunner(
      Pod pod,
      Container container,
      PodDirectory directory,
      ContainerEnvironment environment,
      Map<String, Image> images,
      ScheduledExecutorService scheduler,
      Optional<ReadinessProbe> readiness,
      Runnable changed) {
    this.pod = pod;
    this.container = container;
    this.directory = directory;
    this.environment = environment;
    this.images = images;
    this.scheduler = scheduler;
    this.readiness = readiness;
    this.changed = changed;
    this.status =
        new ContainerStatusBuilder()
            .withName(container.getName())
            .withImage(container.getImage())
            .withImageID("")
            .withReady(false)
            .withStarted(false)
            .withRestartCount(0)
            .withState(waiting("ContainerCreating", null))
            .build();
  }

  ContainerStatus status() {
    return status;
  }

  /** Shows why the container does not start yet. */
  void waitFor(NotRunnableException cause) {
    show(waiting(cause.reason(), cause.getMessage()), false);
  }

  /** Runs the container until it has ended for good or is stopped. */
  void run() throws InterruptedException, IOException {
    Duration backOff = Duration.ofSeconds(10);
    while (true) {
      ContainerState ended = runOnce();
      boolean failed = ended.getTerminated().getExitCode() != 0;
      String policy = pod.getSpec().getRestartPolicy();
      boolean again = policy.equals("Always") || policy.equals("OnFailure") && failed;
      if (!again || isStopping()) {
        show(ended, false);
        return;
      }
      status =
          new ContainerStatusBuilder(status)
              .withRestartCount(status.getRestartCount() + 1)
              .withLastState(ended)
              .build();
      show(waiting("CrashLoopBackOff", "back-off " + backOff.toSeconds() + "s"), false);
      if (stopping.await(backOff.toMillis(), TimeUnit.MILLISECONDS)) {
        show(ended, false);
        return;
      }
      backOff = backOff.multipliedBy(2);
    }
  }

  /** SIGTERM; the container is not started again. */
  void terminate() {
    stopping.countDown();
    ChildProcess current = process;
    if (current != null) {
      current.terminate();
    }
  }

  /** SIGKILL. */
  void kill() {
    ChildProcess current = process;
    if (current != null) {
      current.kill();
    }
  }

  boolean isStopping() {
    return stopping.getCount() == 0;
  }

  /** Runs the process once; returns its terminated state. */
  private ContainerState runOnce() throws InterruptedException, IOException {
    String startedAt = PodStatuses.now();
    boolean killedForMemory = false;
    int exitCode = KILLED;
    ChildProcess started = startWhenPossible();
    if (started != null) {
      OptionalLong limit = MemoryWatch.limitOf(container);
      MemoryWatch watch =
          limit.isEmpty() ? null : MemoryWatch.start(started, limit.getAsLong(), scheduler);
      startedAt = PodStatuses.now();
      ContainerState running =
          new ContainerStateBuilder()
              .withNewRunning()
              .withStartedAt(startedAt)
              .endRunning()
              .build();
      show(running, readiness.isEmpty());
      Optional<ScheduledFuture<?>> probing = readiness.map(probe -> ask(probe, running));
      exitCode = started.exitCode().join();
      probing.ifPresent(task -> task.cancel(false));
      killedForMemory = watch != null && watch.exceeded();
    }
    return new ContainerStateBuilder()
        .withNewTerminated()
        .withExitCode(exitCode)
        .withReason(killedForMemory ? "OOMKilled" : exitCode == 0 ? "Completed" : "Error")
        .withMessage(message(exitCode))
        .withStartedAt(startedAt)
        .withFinishedAt(PodStatuses.now())
        .endTerminated()
        .build();
  }

  /** The probe's answer is shown only as long as the container is shown as running. */
  private ScheduledFuture<?> ask(ReadinessProbe probe, ContainerState running) {
    return scheduler.scheduleWithFixedDelay(
        () -> {
          boolean ready = probe.succeeds();
          synchronized (this) {
            if (status.getState().equals(running)) {
              show(running, ready);
            }
          }
        },
        ReadinessProbe.PERIOD_MILLIS,
        ReadinessProbe.PERIOD_MILLIS,
        TimeUnit.MILLISECONDS);
  }

  /** Tries again while what the container needs is missing; null when it is stopped meanwhile. */
  private ChildProcess startWhenPossible() throws InterruptedException, IOException {
    while (!isStopping()) {
      try {
        process = start();
        if (isStopping()) {
          process.kill();
        }
        return process;
      } catch (NotRunnableException e) {
        waitFor(e);
      } catch (KubernetesClientException e) {
        waitFor(NotRunnableException.refused(e));
      }
      stopping.await(RETRY.toMillis(), TimeUnit.MILLISECONDS);
    }
    return null;
  }

  private ChildProcess start() throws NotRunnableException, IOException {
    Image image = images.get(container.getImage());
    if (image == null) {
      throw new NotRunnableException(
          "ErrImageNeverPull",
          "Container image \"%s\" is not one this node has a program for: %s"
              .formatted(container.getImage(), String.join(", ", images.keySet())));
    }
    if (!container.getCommand().isEmpty()) {
      throw new NotRunnableException(
          "CreateContainerError", "this node runs an image's own entry point only: use args");
    }
    directory.prepare(container);
    return ChildProcess.start(
        environment.command(image),
        environment.variables(image),
        directory.home(container),
        directory.log(container),
        Duration.ofSeconds(Math.max(1, pod.getSpec().getTerminationGracePeriodSeconds())));
  }

  /** The termination message, or the end of the log where the container asks for that. */
  private String message(int exitCode) throws IOException {
    Path file = directory.terminationLog(container);
    String message = Files.exists(file) ? firstBytes(Files.readAllBytes(file)) : "";
    boolean fallBack = "FallbackToLogsOnError".equals(container.getTerminationMessagePolicy());
    Path log = directory.log(container);
    if (message.isEmpty() && fallBack && exitCode != 0 && Files.exists(log)) {
      byte[] all = Files.readAllBytes(log);
      int from = Math.max(0, all.length - LOG_BYTES_IN_MESSAGE);
      return new String(all, from, all.length - from, StandardCharsets.UTF_8);
    }
    return message.isEmpty() ? null : message;
  }

  private static String firstBytes(byte[] content) {
    int length = Math.min(content.length, MESSAGE_BYTES);
    return new String(Arrays.copyOf(content, length), StandardCharsets.UTF_8);
  }

  private synchronized void show(ContainerState state, boolean ready) {
    ContainerStatus next =
        new ContainerStatusBuilder(status)
            .withState(state)
            .withReady(ready)
            .withStarted(state.getRunning() != null)
            .build();
    if (!next.equals(status)) {
      status = next;
      changed.run();
    }
  }

  private static ContainerState waiting(String reason, String message) {
    return new ContainerStateBuilder()
        .withNewWaiting()
        .withReason(reason)
        .withMessage(message)
        .endWaiting()
        .build();
  }
}
