package io.safegrad.trainer.run;

import com.sun.management.OperatingSystemMXBean;
import io.safegrad.trainer.model.MemoryEstimate;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The most memory that this process may use.
 *
 * @param bytes that much
 * @param of what sets it, in words
 */
public record MemoryLimit(long bytes, String of) {

  /** Of the control group that a container runs in: version 2, and version 1. */
  private static final List<Path> CONTAINER =
      List.of(
          Path.of("/sys/fs/cgroup/memory.max"),
          Path.of("/sys/fs/cgroup/memory/memory.limit_in_bytes"));

  private static final String ADVICE =
      "lower training.batchSize or training.maxLength, or set training.gradientCheckpointing:"
          + " Always or model.storage: BFloat16";

  private static final long KIB = 1024;

  /** The container's limit where it has one below the machine's memory, else that. */
  public static MemoryLimit ofThisProcess() {
    return of(CONTAINER, machineBytes());
  }

  static MemoryLimit of(List<Path> files, long machineBytes) {
    for (Path file : files) {
      long limit = limit(file);
      if (limit <= machineBytes) {
        return new MemoryLimit(limit, "the container's memory limit");
      }
    }
    return new MemoryLimit(machineBytes, "the machine's memory");
  }

  /** Says what to do about a run that is expected to need more; empty when it fits. */
  public Optional<String> exceededBy(MemoryEstimate estimate) {
    return estimate.bytes() <= bytes
        ? Optional.empty()
        : Optional.of(
            "it is expected to need %s of memory, and %s is %s; %s"
                .formatted(shown(estimate.bytes()), of, shown(bytes), ADVICE));
  }

  /** No limit is the word max, or a number beyond all memory. */
  private static long limit(Path file) {
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (IOException | NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  private static long machineBytes() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    return system.getTotalMemorySize();
  }

  /** {@code 1.4 GiB} or {@code 512 MiB}. */
  static String shown(long bytes) {
    double mib = bytes / (double) (KIB * KIB);
    return mib < KIB
        ? String.format(Locale.ROOT, "%.0f MiB", mib)
        : String.format(Locale.ROOT, "%.1f GiB", mib / KIB);
  }
}
