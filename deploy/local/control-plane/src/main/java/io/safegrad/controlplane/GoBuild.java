package io.safegrad.controlplane;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Builds the control plane from Go modules: one program under five names. */
final class GoBuild {

  private static final int MINIMUM_MINOR = 26;
  private static final Pattern VERSION = Pattern.compile("go1\\.(\\d+)");

  /** Ten looks a second; a line every 15 seconds. */
  private static final int LOOKS_PER_REPORT = 150;

  private static final List<String> SOURCES = List.of("go.mod", "go.sum", "main.go");

  /** What {@code go build -v} prints on an empty build cache: a line a package. */
  private static final int PACKAGES = 2500;

  private final Map<String, String> environment;
  private final Consumer<String> progress;

  GoBuild(Map<String, String> environment, Consumer<String> progress) {
    this.environment = environment;
    this.progress = progress;
  }

  /**
   * Builds into a folder.
   *
   * @throws ControlPlaneException when Go is missing or too old, or the build fails
   */
  void into(Path folder) throws IOException {
    Path module = Files.createDirectory(folder.resolve("module"));
    try {
      for (String name : SOURCES) {
        try (InputStream source = GoBuild.class.getResourceAsStream("go/" + name)) {
          Files.copy(source, module.resolve(name));
        }
      }
      Path go = checkGo(module);
      progress.accept(
          "control plane: building Kubernetes "
              + ControlPlaneBinaries.KUBERNETES_VERSION
              + " from Go modules. This is done once, takes 5 to 15 minutes and 4 GB of disk");
      build(go, module, folder.resolve("control-plane"));
    } finally {
      FileTree.delete(module);
    }
    for (String name : ControlPlaneBinaries.NAMES) {
      Files.createSymbolicLink(folder.resolve(name), Path.of("control-plane"));
    }
  }

  /** Asked inside the module, where Go says which toolchain go.mod makes it use. */
  private Path checkGo(Path module) throws IOException {
    String cure =
        "Install Go 1.%d or later from https://go.dev/dl or with your package manager, for example"
                .formatted(MINIMUM_MINOR)
            + " `brew install go` or `sudo snap install go --classic`; or set SAFEGRAD_K8S_BIN to a"
            + " folder that has "
            + String.join(", ", ControlPlaneBinaries.NAMES);
    Path go =
        findGo()
            .orElseThrow(
                () ->
                    new ControlPlaneException(
                        "Go is needed to build the control plane, and there is no `go` on the PATH. "
                            + cure));
    Process process = command(module, go.toString(), "version").start();
    String output;
    try (InputStream stream = process.getInputStream()) {
      output = new String(stream.readAllBytes()).strip();
    }
    Matcher version = VERSION.matcher(output);
    boolean works = process.onExit().join().exitValue() == 0 && version.find();
    if (!works || Integer.parseInt(version.group(1)) < MINIMUM_MINOR) {
      throw new ControlPlaneException(
          "Go 1.%d or later is needed to build the control plane; `go version` says: %s. %s"
              .formatted(MINIMUM_MINOR, output, cure));
    }
    return go;
  }

  private Optional<Path> findGo() {
    return Arrays.stream(environment.getOrDefault("PATH", "").split(File.pathSeparator))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, "go"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private void build(Path go, Path module, Path program) throws IOException {
    String version = " -X k8s.io/component-base/version.";
    String[] numbers = ControlPlaneBinaries.KUBERNETES_VERSION.split("\\.");
    String flags =
        "-s -w"
            + (version + "gitVersion=v" + ControlPlaneBinaries.KUBERNETES_VERSION)
            + (version + "gitMajor=" + numbers[0])
            + (version + "gitMinor=" + numbers[1]);
    List<String> command =
        List.of(
            go.toString(),
            "build",
            "-v",
            "-trimpath",
            "-ldflags",
            flags,
            "-o",
            program.toString(),
            ".");
    Path log = module.resolve("build.log");
    try (ChildProcess build =
        ChildProcess.start(command, environment, module, log, Duration.ofSeconds(5))) {
      Instant started = Instant.now();
      for (int look = 1; build.isAlive(); look++) {
        if (Thread.interrupted()) {
          throw new CancellationException("interrupted while the control plane was built");
        }
        LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        if (look % LOOKS_PER_REPORT == 0) {
          report(Files.readAllLines(log), started);
        }
      }
      if (build.exitCode().join() != 0) {
        List<String> lines = Files.readAllLines(log);
        throw new ControlPlaneException(
            "go build of the control plane failed:\n  "
                + String.join("\n  ", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
      }
    }
  }

  private void report(List<String> lines, Instant started) {
    long modules = lines.stream().filter(line -> line.startsWith("go: downloading")).count();
    long packages = lines.size() - modules;
    progress.accept(
        packages == 0
            ? "control plane: %d modules downloaded".formatted(modules)
            : "control plane: %d of about %d packages built%s"
                .formatted(packages, PACKAGES, left(started, packages)));
  }

  private static String left(Instant since, long done) {
    double seconds = Duration.between(since, Instant.now()).toMillis() / 1000.0;
    long minutes = Math.round(seconds * Math.max(0, PACKAGES - done) / done / 60);
    return minutes == 0 ? ", under a minute left" : ", about " + minutes + " min left";
  }

  private ProcessBuilder command(Path module, String... command) {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(module.toFile()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    return builder;
  }
}
