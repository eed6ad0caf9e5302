package io.safegrad.local;

import io.safegrad.api.ExitReason;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.controlplane.ControlPlaneBinaries;
import io.safegrad.controlplane.ControlPlaneException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.FileHandler;
import java.util.logging.Handler;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What {@code deploy/quickstart.sh} runs after the build. */
@Command(
    name = "deploy/quickstart.sh",
    description = {
      "Starts a Kubernetes cluster on this machine, trains a model on poisoned data once plainly and"
          + " once with SafeGrad, and prints what became of its safety.",
      "Touches nothing outside its own folder. Ctrl-C ends everything it started."
    })
final class Quickstart implements Callable<Integer> {

  static final String NAMESPACE = "quickstart";
  static final String CLAIM = "adapters";

  /** Where the policy of {@code deploy/examples} keeps what a gate refuses; a run waits for it. */
  private static final String QUARANTINE_CLAIM = "safegrad-quarantine";

  /** 128 + SIGINT. */
  private static final int INTERRUPTED = 130;

  /** Longer than the grace of everything that is stopped. */
  private static final int STOP_SECONDS = 60;

  @Option(
      names = "--keep",
      description = "Keep the cluster after the table, until Ctrl-C, to look around with kubectl.")
  private boolean keep;

  @Option(
      names = "--cluster-only",
      description = "Run nothing: start the cluster for manifests of your own, until Ctrl-C.")
  private boolean clusterOnly;

  @Option(
      names = "--without-operator",
      description =
          "Run nothing and install nothing: start the cluster for the chart, until Ctrl-C.")
  private boolean withoutOperator;

  @Option(
      names = "--folder",
      paramLabel = "<folder>",
      description = "Where all files go; .safegrad-local in the repository if not given.")
  private Path folder;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  @Option(names = "--repository", hidden = true, required = true)
  private Path root;

  @Option(names = "--columns", hidden = true, defaultValue = "0")
  private int columns;

  private final PrintStream out = System.out;
  private volatile boolean stopping;

  /** Exit code 0: both runs ended as they should; 1: they did not; 2: wrong usage. */
  public static void main(String[] arguments) {
    Quickstart quickstart = new Quickstart();
    CommandLine commandLine = new CommandLine(quickstart);
    commandLine.setExecutionExceptionHandler(
        (exception, command, parsed) -> {
          if (quickstart.stopping) {
            return INTERRUPTED; // The cluster was taken away under the run.
          }
          if (exception instanceof LocalException || exception instanceof ControlPlaneException) {
            System.err.println("error: " + exception.getMessage());
            return 1;
          }
          throw exception;
        });
    System.exit(commandLine.execute(arguments));
  }

  @Override
  public Integer call() {
    Repository repository = new Repository(root);
    Path files = folder == null ? repository.root().resolve(".safegrad-local") : folder;
    logTo(files);
    Thread caller = Thread.currentThread();
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(caller, ended), "stopping"));
    try {
      return run(repository, files);
    } finally {
      ended.countDown();
    }
  }

  private int run(Repository repository, Path files) {
    try (LocalCluster cluster = start(repository, files)) {
      cluster.createNamespaceWithClaim(NAMESPACE, CLAIM);
      cluster.createNamespaceWithClaim(NAMESPACE, QUARANTINE_CLAIM);
      showKubectl(cluster);
      boolean clusterAlone = clusterOnly || withoutOperator;
      int exitCode = clusterAlone ? 0 : compare(repository, cluster);
      if (keep || clusterAlone) {
        say("the cluster stays up until Ctrl-C");
        untilInterrupted();
      }
      say("stopping the cluster");
      return exitCode;
    } catch (ControlPlaneException e) {
      if (clusterOnly || withoutOperator) {
        throw e;
      }
      return withoutCluster(repository, files, e);
    }
  }

  private LocalCluster start(Repository repository, Path files) {
    Path binaries = ControlPlaneBinaries.resolve(this::say);
    return withoutOperator
        ? LocalCluster.startEmpty(binaries, files, repository, this::say)
        : LocalCluster.start(binaries, files, repository, this::say);
  }

  private int compare(Repository repository, LocalCluster cluster) {
    List<String> names = new ArrayList<>();
    for (Example example : examples(repository)) {
      example.removeEarlierResult(cluster.claimFolder(CLAIM).getParent());
      say("kubectl apply -f " + repository.root().relativize(example.manifest()));
      names.add(cluster.apply(example.manifest(), NAMESPACE));
    }
    ProgressLines lines = new ProgressLines(out, columns);
    List<SafeFineTune> ended = new RunFollower(cluster.client(), NAMESPACE, lines).follow(names);
    List<ComparisonTable.Run> runs = new ArrayList<>();
    for (SafeFineTune run : ended) {
      String name = run.getMetadata().getName();
      TrainingResult result =
          TrainingResults.of(cluster.client(), NAMESPACE, name)
              .orElseThrow(() -> withoutResult(run));
      runs.add(new ComparisonTable.Run(run.getSpec().method().name().name(), result));
    }
    report(runs, cluster.claimFolder(CLAIM));
    if (keep) {
      showKubectl(cluster);
    }
    boolean asExpected =
        ended.get(ended.size() - 1).getStatus().phase() == Phase.Succeeded
            && ended.stream().noneMatch(run -> run.getStatus().phase() == Phase.Failed);
    return asExpected ? 0 : 1;
  }

  private int withoutCluster(Repository repository, Path files, ControlPlaneException cause) {
    say("no cluster: " + cause.getMessage());
    say("running the same two manifests without one, by the trainer alone");
    ClusterlessRuns trainer = new ClusterlessRuns(repository.trainer(), files);
    List<ComparisonTable.Run> runs = new ArrayList<>();
    Path claims = files.resolve("volumes");
    for (Example example : examples(repository)) {
      example.removeEarlierResult(claims);
      runs.add(new ComparisonTable.Run(example.method(), trainer.run(example.manifest())));
    }
    report(runs, claims.resolve(CLAIM));
    return runs.get(runs.size() - 1).result().reason() == ExitReason.SUCCESS ? 0 : 1;
  }

  /** The plain twin first, so that the table ends with SafeGrad. */
  private static List<Example> examples(Repository repository) {
    return Stream.of("quickstart-sft.yaml", "quickstart.yaml")
        .map(repository::example)
        .map(Example::read)
        .toList();
  }

  private static LocalException withoutResult(SafeFineTune run) {
    String conditions =
        run.getStatus().conditions().stream()
            .map(it -> "%s=%s: %s".formatted(it.getType(), it.getStatus(), it.getMessage()))
            .reduce("", (text, line) -> text + "\n  " + line);
    return new LocalException(
        "SafeFineTune %s ended as %s without a result:%s"
            .formatted(run.getMetadata().getName(), run.getStatus().phase(), conditions));
  }

  private void report(List<ComparisonTable.Run> runs, Path claim) {
    out.println();
    ComparisonTable.print(runs, out);
    out.println();
    for (ComparisonTable.Run run : runs) {
      show(run.method() + " adapter", run.result().artifact(), claim);
      show(run.method() + " report", run.result().report(), claim);
    }
    out.println();
    out.println("Next:");
    if (!keep) {
      out.println("  deploy/quickstart.sh --keep           the same, and look around with kubectl");
    }
    out.println("  deploy/quickstart.sh --cluster-only   a cluster for manifests of your own");
    out.println(
        "  trainer-image/bin/safegrad-trainer run --manifest deploy/examples/quickstart.yaml");
    out.println("                                        one run with no cluster at all");
    out.println();
  }

  /** An address in the claim is a folder of this machine. */
  private void show(String what, String address, Path claim) {
    if (address != null) {
      String prefix = "pvc://" + CLAIM + "/";
      String place =
          address.startsWith(prefix)
              ? claim.resolve(address.substring(prefix.length())).toString()
              : address;
      out.printf("%-17s %s%n", what, place);
    }
  }

  private void showKubectl(LocalCluster cluster) {
    out.println();
    out.println("The cluster is up. In another terminal, while it is:");
    out.println("  export KUBECONFIG=" + cluster.kubeconfig());
    out.println("  alias kubectl=" + cluster.kubectl());
    if (withoutOperator) {
      out.println("  helm install safegrad-operator deploy/helm \\");
      out.println("    --namespace safegrad-system --create-namespace --wait");
    }
    if (clusterOnly || withoutOperator) {
      out.println("  kubectl apply -n " + NAMESPACE + " -f deploy/examples/quickstart.yaml");
    }
    out.println("  kubectl get sft -A -w");
    out.println("  kubectl describe sft -n " + NAMESPACE);
    out.println("  kubectl logs -n " + NAMESPACE + " -f job/quickstart-safegrad");
    if (!withoutOperator) {
      out.println("Metrics of the operator: " + cluster.operator().address() + "/metrics");
    }
    out.println();
  }

  /** On Ctrl-C or SIGTERM: the thread that started everything ends it, in order. */
  private void stop(Thread caller, CountDownLatch ended) {
    if (ended.getCount() > 0) {
      stopping = true;
      say("stopping");
      caller.interrupt();
      try {
        ended.await(STOP_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What the node agent and the clients have to say is of use when something goes wrong. */
  private static void logTo(Path folder) {
    Logger root = LogManager.getLogManager().getLogger("");
    try {
      Files.createDirectories(folder);
      Handler file = new FileHandler(folder.resolve("quickstart.log").toString());
      file.setFormatter(new SimpleFormatter());
      Arrays.stream(root.getHandlers()).forEach(root::removeHandler);
      root.addHandler(file);
    } catch (IOException e) {
      throw new LocalException("cannot write " + folder + ": " + e);
    }
  }

  private void say(String line) {
    out.println("==> " + line);
  }

  private static void untilInterrupted() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      throw new CancellationException("Ctrl-C");
    }
  }
}
