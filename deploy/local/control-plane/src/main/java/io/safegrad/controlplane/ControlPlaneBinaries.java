package io.safegrad.controlplane;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Finds or makes a folder with the five programs of a control plane: {@code SAFEGRAD_K8S_BIN}, else
 * the cache that kube-api-test reads too, else the official downloads, else a build from Go
 * modules. The last two fill the cache.
 */
public final class ControlPlaneBinaries {

  /** The Kubernetes version of the programs. */
  public static final String KUBERNETES_VERSION = "1.36.2";

  static final List<String> NAMES =
      List.of("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl");

  private final Map<String, String> environment;
  private final Platform platform;
  private final Consumer<String> progress;

  ControlPlaneBinaries(
      Map<String, String> environment, Platform platform, Consumer<String> progress) {
    this.environment = environment;
    this.platform = platform;
    this.progress = progress;
  }

  /** Prints the folder; for scripts and CI. Progress goes to standard error. */
  public static void main(String[] arguments) {
    try {
      System.out.println(resolve(System.err::println));
    } catch (ControlPlaneException e) {
      System.err.println("error: " + e.getMessage());
      System.exit(1);
    }
  }

  /**
   * A folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. Takes
   * seconds when they are there, and some ten minutes where they have to be compiled first.
   *
   * @param progress receives lines for people: where the programs come from, how far a build is
   * @throws ControlPlaneException when they cannot be had; the message names what is missing and
   *     the command that cures it
   */
  public static Path resolve(Consumer<String> progress) {
    return new ControlPlaneBinaries(System.getenv(), Platform.ofThisMachine(), progress).resolve();
  }

  Path resolve() {
    String given = environment.getOrDefault("SAFEGRAD_K8S_BIN", "");
    if (!given.isEmpty()) {
      Path folder = Path.of(given).toAbsolutePath();
      Optional<String> missing = firstMissing(folder);
      if (missing.isPresent()) {
        throw new ControlPlaneException(
            "SAFEGRAD_K8S_BIN is %s, but there is no executable file %s in it; expected %s"
                .formatted(folder, missing.get(), String.join(", ", NAMES)));
      }
      progress.accept("control plane: " + folder + " (SAFEGRAD_K8S_BIN)");
      return folder;
    }
    Path folder = cacheFolder();
    if (firstMissing(folder).isPresent()) {
      fillUnderLock(folder);
    } else {
      progress.accept("control plane: " + folder + " (cache)");
    }
    return folder;
  }

  private Path cacheFolder() {
    String cache = environment.getOrDefault("KUBE_API_TEST_DIR", "");
    Path root =
        cache.isEmpty() ? Path.of(System.getProperty("user.home"), ".kubeapitest") : Path.of(cache);
    return root.toAbsolutePath().resolve("k8s").resolve(KUBERNETES_VERSION + "-" + platform);
  }

  private static Optional<String> firstMissing(Path folder) {
    return NAMES.stream().filter(name -> !Files.isExecutable(folder.resolve(name))).findFirst();
  }

  /** One process, and one thread of it, fills the cache; the others find it filled. */
  private void fillUnderLock(Path folder) {
    synchronized (ControlPlaneBinaries.class) {
      Path lockFile = folder.resolveSibling("." + folder.getFileName() + ".lock");
      try {
        Files.createDirectories(folder);
        try (FileChannel channel =
                FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = lock(channel)) {
          if (firstMissing(folder).isEmpty()) {
            progress.accept("control plane: " + folder + " (cache)");
            return;
          }
          fill(folder);
        }
      } catch (IOException e) {
        throw new ControlPlaneException("cannot write " + folder + ": " + e, e);
      }
    }
  }

  private FileLock lock(FileChannel channel) throws IOException {
    FileLock lock = channel.tryLock();
    if (lock == null) {
      progress.accept("control plane: another process is preparing it; waiting for that");
      lock = channel.lock();
    }
    return lock;
  }

  private void fill(Path folder) throws IOException {
    Path staging = Files.createTempDirectory(folder.getParent(), ".preparing-");
    try {
      String origin = "official downloads";
      Optional<String> reason =
          new OfficialDownloads(environment, platform, progress).into(staging);
      if (reason.isPresent()) {
        progress.accept("control plane: no official downloads (" + reason.get() + ")");
        new GoBuild(environment, progress).into(staging);
        origin = "built from Go modules";
      }
      try (Stream<Path> files = Files.list(staging)) {
        // The program goes before the links to it, so that no link is ever dangling.
        for (Path file : files.sorted(Comparator.comparing(Files::isSymbolicLink)).toList()) {
          Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      progress.accept("control plane: " + folder + " (" + origin + ")");
    } finally {
      FileTree.delete(staging);
    }
  }
}
