package io.safegrad.monitoring;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Finds or gets a folder with prometheus and promtool: {@code SAFEGRAD_PROMETHEUS_BIN}, else the
 * cache, else the official release, else Debian's package, which apt can fetch without being root.
 * The last two fill the cache.
 */
public final class PrometheusBinaries {

  static final List<String> NAMES = List.of("prometheus", "promtool");

  private final Map<String, String> environment;
  private final Consumer<String> progress;

  PrometheusBinaries(Map<String, String> environment, Consumer<String> progress) {
    this.environment = environment;
    this.progress = progress;
  }

  /**
   * A folder with prometheus and promtool.
   *
   * @param progress receives lines for people: where the programs come from
   * @throws MonitoringException when they cannot be had; the message says what was tried
   */
  public static Path resolve(Consumer<String> progress) {
    return new PrometheusBinaries(System.getenv(), progress).resolve();
  }

  Path resolve() {
    String given = environment.getOrDefault("SAFEGRAD_PROMETHEUS_BIN", "");
    if (!given.isEmpty()) {
      Path folder = Path.of(given).toAbsolutePath();
      Optional<String> missing = firstMissing(folder);
      if (missing.isPresent()) {
        throw new MonitoringException(
            "SAFEGRAD_PROMETHEUS_BIN is %s, but there is no executable file %s in it; expected %s"
                .formatted(folder, missing.get(), String.join(" and ", NAMES)));
      }
      progress.accept("prometheus: " + folder + " (SAFEGRAD_PROMETHEUS_BIN)");
      return folder;
    }
    Path folder = cache();
    if (firstMissing(folder).isPresent()) {
      fillUnderLock(folder);
    }
    progress.accept("prometheus: " + folder + " (cache)");
    return folder;
  }

  private Path cache() {
    String cache = environment.getOrDefault("SAFEGRAD_PROMETHEUS_CACHE", "");
    Path root =
        cache.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache", "safegrad", "prometheus")
            : Path.of(cache);
    return root.toAbsolutePath().resolve("bin");
  }

  private static Optional<String> firstMissing(Path folder) {
    return NAMES.stream().filter(name -> !Files.isExecutable(folder.resolve(name))).findFirst();
  }

  /** One process, and one thread of it, fills the cache; the others find it filled. */
  private void fillUnderLock(Path folder) {
    synchronized (PrometheusBinaries.class) {
      try {
        Files.createDirectories(folder);
        try (FileChannel channel =
                FileChannel.open(
                    folder.resolveSibling("lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            FileLock lock = channel.lock()) {
          if (lock.isValid() && firstMissing(folder).isPresent()) {
            fill(folder);
          }
        }
      } catch (IOException e) {
        throw new MonitoringException("cannot write " + folder + ": " + e, e);
      }
    }
  }

  private void fill(Path folder) throws IOException {
    Path staging = Files.createTempDirectory(folder.getParent(), "preparing-");
    try {
      Optional<Path> found = new PrometheusRelease(environment, progress).into(staging);
      if (found.isEmpty()) {
        found = Optional.of(new DebianPackage(progress).into(staging));
      }
      for (String name : NAMES) {
        Path target = folder.resolve(name);
        Files.move(found.get().resolve(name), target, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      FileTrees.delete(staging);
    }
  }
}
