package io.safegrad.local;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The real Helm: the program that {@code SAFEGRAD_HELM} names, else one built from the Go module of
 * {@code deploy/local/helm}.
 */
final class Helm {

  /** The chart, from wherever Helm is run. */
  static final Path CHART = Path.of("..", "helm").toAbsolutePath().normalize();

  private static final String MODULE = "helm.sh/helm/v3";
  private static final GoProgram PROGRAM = new GoProgram("helm", MODULE, MODULE + "/cmd/helm");

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

  /** The program itself. */
  static Path program() {
    String given = System.getenv().getOrDefault("SAFEGRAD_HELM", "");
    return given.isEmpty() ? PROGRAM.built(flags()) : Path.of(given);
  }

  /** What Helm's own Makefile sets; without, it takes a chart's cluster for Kubernetes 1.20. */
  private static String flags() {
    String kubernetes = PROGRAM.version("k8s.io/client-go").split("\\.")[1];
    StringBuilder flags = new StringBuilder("-s -w -X helm.sh/helm/v3/internal/version.version=");
    flags.append(PROGRAM.version(MODULE));
    for (String where : List.of("pkg/chartutil", "pkg/lint/rules")) {
      flags.append(" -X helm.sh/helm/v3/%s.k8sVersionMajor=1".formatted(where));
      flags.append(" -X helm.sh/helm/v3/%s.k8sVersionMinor=%s".formatted(where, kubernetes));
    }
    return flags.toString();
  }
}
