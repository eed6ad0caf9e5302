package io.safegrad.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The real Helm: the program that {@code SAFEGRAD_HELM} names, else one built from the Go module of
 * {@code deploy/local/helm}, once, beside the control plane's programs.
 */
final class Helm {

  /** The chart, from wherever Helm is run. */
  static final Path CHART = Path.of("..", "helm").toAbsolutePath().normalize();

  private static final Path MODULE = Path.of("helm");
  private static final Pattern VERSION = Pattern.compile("helm\\.sh/helm/v3 (v\\S+)");
  private static final Pattern KUBERNETES = Pattern.compile("k8s\\.io/client-go v0\\.(\\d+)\\.");

  private final Path program;
  private final Path kubeconfig;

  private Helm(Path program, Path kubeconfig) {
    this.program = program;
    this.kubeconfig = kubeconfig;
  }

  /** Helm without a cluster. */
  static Helm alone() {
    return new Helm(program(), Path.of("/dev/null"));
  }

  /** Helm with an administrator's rights in a cluster. */
  static Helm in(Path kubeconfig) {
    return new Helm(program(), kubeconfig);
  }

  ProgramResult run(String... arguments) {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(Arrays.asList(arguments));
    return ProgramResult.of(kubeconfig, command);
  }

  private static Path program() {
    String given = System.getenv().getOrDefault("SAFEGRAD_HELM", "");
    if (!given.isEmpty()) {
      return Path.of(given);
    }
    try {
      Path folder = root().resolve("helm").resolve(version());
      Path program = folder.resolve("helm");
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock();
        if (!Files.isExecutable(program)) {
          build(program);
        }
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path root() {
    String given = System.getenv().getOrDefault("KUBE_API_TEST_DIR", "");
    return given.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".kubeapitest")
        : Path.of(given);
  }

  private static String version() throws IOException {
    return required(VERSION);
  }

  private static String required(Pattern module) throws IOException {
    Matcher version = module.matcher(Files.readString(MODULE.resolve("go.mod")));
    if (!version.find()) {
      throw new AssertionError(MODULE + "/go.mod has no " + module);
    }
    return version.group(1);
  }

  /** What Helm's own Makefile sets; without, it takes a chart's cluster for Kubernetes 1.20. */
  private static String flags() throws IOException {
    String kubernetes = required(KUBERNETES);
    StringBuilder flags =
        new StringBuilder("-s -w -X helm.sh/helm/v3/internal/version.version=" + version());
    for (String where : List.of("pkg/chartutil", "pkg/lint/rules")) {
      flags.append(" -X helm.sh/helm/v3/%s.k8sVersionMajor=1".formatted(where));
      flags.append(" -X helm.sh/helm/v3/%s.k8sVersionMinor=%s".formatted(where, kubernetes));
    }
    return flags.toString();
  }

  private static void build(Path program) throws IOException {
    Path staged = program.resolveSibling("staged");
    Process build =
        new ProcessBuilder(
                "go",
                "build",
                "-trimpath",
                "-ldflags",
                flags(),
                "-o",
                staged.toString(),
                "helm.sh/helm/v3/cmd/helm")
            .directory(MODULE.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (build.onExit().join().exitValue() != 0) {
      throw new AssertionError(
          "Helm cannot be built with Go (1.26 or later); SAFEGRAD_HELM may name one: " + output);
    }
    Files.move(staged, program, StandardCopyOption.ATOMIC_MOVE);
  }
}
