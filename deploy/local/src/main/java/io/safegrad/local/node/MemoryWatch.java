package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Quantity;
import io.safegrad.controlplane.ChildProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Holds a process to its container's memory limit as a kernel's cgroup would, by looking often.
 * What a process maps from files is not counted: the kernel can drop it.
 */
final class MemoryWatch {

  private static final long PERIOD_MILLIS = 100;

  private final ChildProcess process;
  private final long limit;
  private volatile boolean exceeded;

  private MemoryWatch(ChildProcess process, long limit) {
    this.process = process;
    this.limit = limit;
  }

  /** The container's memory limit in bytes; empty when it has none. */
  static OptionalLong limitOf(Container container) {
    if (container.getResources() == null || container.getResources().getLimits() == null) {
      return OptionalLong.empty();
    }
    Quantity memory = container.getResources().getLimits().get("memory");
    return memory == null
        ? OptionalLong.empty()
        : OptionalLong.of(Quantity.getAmountInBytes(memory).longValue());
  }

  /** Watches until the process ends; kills it when it is above the limit, in bytes. */
  static MemoryWatch start(ChildProcess process, long limit, ScheduledExecutorService scheduler) {
    MemoryWatch watch = new MemoryWatch(process, limit);
    ScheduledFuture<?> looking =
        scheduler.scheduleWithFixedDelay(
            watch::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    process.exitCode().thenRun(() -> looking.cancel(false));
    return watch;
  }

  /** Whether the process was killed for its memory. */
  boolean exceeded() {
    return exceeded;
  }

  private void look() {
    long used = process.processes().mapToLong(MemoryWatch::anonymousBytes).sum();
    if (used > limit) {
      exceeded = true;
      process.kill();
    }
  }

  private static long anonymousBytes(ProcessHandle process) {
    Path status = Path.of("/proc", Long.toString(process.pid()), "status");
    try {
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssShmem:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .sum();
    } catch (IOException e) {
      return 0; // It has just ended.
    }
  }
}
