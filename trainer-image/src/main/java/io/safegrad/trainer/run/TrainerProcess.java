package io.safegrad.trainer.run;

import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.safegrad.api.ExitReason;
import io.safegrad.api.Manifest;
import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.v1alpha1.Alignment;
import io.safegrad.api.v1alpha1.Dataset;
import io.safegrad.api.v1alpha1.Judge;
import io.safegrad.api.v1alpha1.Model;
import io.safegrad.api.v1alpha1.Output;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SecretReference;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.judge.JudgeFactory;
import io.safegrad.trainer.provenance.PemKey;
import io.safegrad.trainer.report.ResultTable;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.report.TerminationLog;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSecrets;
import io.safegrad.trainer.telemetry.ApprovalDesk;
import io.safegrad.trainer.telemetry.ProgressTracker;
import io.safegrad.trainer.telemetry.RunEndpoint;
import io.safegrad.trainer.telemetry.RunLog;
import io.safegrad.trainer.telemetry.RunObserver;
import io.safegrad.trainer.telemetry.TerminalProgress;
import io.safegrad.trainer.telemetry.TrainerMetrics;
import io.safegrad.trainer.tensor.Compute;
import io.safegrad.trainer.tensor.ComputeDevice;
import java.io.Console;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One process: reads its plan, runs it, and tells how it ended. */
public final class TrainerProcess {

  private static final Logger LOG = LoggerFactory.getLogger(TrainerProcess.class);
  private static final String PLAN = "SAFEGRAD_PLAN";
  private static final String SIGNING_KEY_FILE = "SAFEGRAD_SIGNING_KEY_FILE";
  private static final String DEVICES = "SAFEGRAD_DEVICES";
  private static final String DEFAULT_PLAN = "/etc/safegrad/plan.yaml";

  private final Map<String, String> variables;
  private final PrintStream out;
  private final PrintStream err;
  private final RunJournal journal = new RunJournal(Clock.systemUTC());
  private final Preemption preemption = new Preemption();
  private volatile RunEnvironment environment;
  private volatile TrainingPlan plan;
  private volatile Workspace workspace;
  private volatile TrainingRun run;

  /**
   * @param variables the environment variables
   * @param out receives the table of a run on this machine
   * @param err receives the sentence that says what went wrong
   */
  public TrainerProcess(Map<String, String> variables, PrintStream out, PrintStream err) {
    this.variables = variables;
    this.out = out;
    this.err = err;
  }

  /**
   * Runs to the end, whatever the end is.
   *
   * @param manifest a SafeFineTune to run on this machine; null for the plan of a pod
   * @param port to listen on; null for what the environment says
   * @return the exit code
   */
  public int execute(Path manifest, Integer port) {
    return manifest == null
        ? execute(() -> RunEnvironment.ofContainer(variables), port, this::readPlan)
        : execute(
            () -> RunEnvironment.ofLaptop(variables),
            port,
            () -> TrainingPlan.of(readManifest(manifest)));
  }

  /**
   * Runs a plan on this machine, to the end as well.
   *
   * @return the exit code
   */
  public int execute(TrainingPlan given) {
    return execute(() -> RunEnvironment.ofLaptop(variables), null, () -> given);
  }

  private int execute(Supplier<RunEnvironment> around, Integer port, Callable<TrainingPlan> given) {
    preemption.install(this::stopNow);
    TrainingResult result;
    try {
      environment = around.get();
      environment = port == null ? environment : environment.withPort(port);
      preemption.within(environment.gracePeriod());
      PrivateKey signingKey = readSigningKey();
      plan = given.call();
      ComputeDevice device = PromisedDevice.of(variables.getOrDefault(DEVICES, ""));
      result = runPlan(signingKey, device);
    } catch (Throwable e) {
      LOG.debug("the run failed", e);
      RunFailure failure = RunFailure.of(e);
      result = failed(failure.reason(), failure.message());
    }
    if (run != null && !mayGoOn(result.reason())) {
      result = withoutCheckpoints(result);
    }
    tell(result);
    if (environment != null && !environment.claimsAreMounted() && result.report() != null) {
      out.print(ResultTable.of(result, run.results().place()));
    }
    preemption.ended(result.reason().code());
    return result.reason().code();
  }

  /**
   * What was trained and not published must not stay, and who is to remove it is told if it does.
   */
  private TrainingResult withoutCheckpoints(TrainingResult result) {
    Optional<String> remains = run.results().removeCheckpoints();
    return remains.isEmpty() || result.reason() == ExitReason.SUCCESS
        ? result
        : result.withMessage(
            "%s; %s: they hold what was not published".formatted(result.message(), remains.get()));
  }

  /** Whether another attempt of the same plan may go on where this one ended. */
  private static boolean mayGoOn(ExitReason reason) {
    // With more memory, which is no part of the plan.
    return reason.retryable() || reason == ExitReason.OUT_OF_MEMORY;
  }

  private TrainingPlan readPlan() throws IOException {
    Path file = Path.of(variables.getOrDefault(PLAN, DEFAULT_PLAN));
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "there is no plan at %s (%s); to run a manifest on this machine, give --manifest FILE"
              .formatted(file, PLAN));
    }
    return TrainingPlan.fromYaml(Files.readAllBytes(file));
  }

  /**
   * Reads a manifest and fills its defaults in.
   *
   * @throws TrainerException with BAD_PLAN when there is no such file
   * @throws io.safegrad.api.ManifestException when it is not a valid SafeFineTune
   */
  public static SafeFineTune readManifest(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, "manifest: there is no file %s".formatted(file));
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    return Manifest.read(text);
  }

  /** Null when the provenance is not to be signed. */
  private PrivateKey readSigningKey() {
    String file = variables.get(SIGNING_KEY_FILE);
    return file == null ? null : PemKey.readPrivate(SIGNING_KEY_FILE, Path.of(file));
  }

  private TrainingResult runPlan(PrivateKey signingKey, ComputeDevice device) throws IOException {
    ProgressTracker progress = new ProgressTracker(System::nanoTime);
    PrometheusRegistry registry = new PrometheusRegistry();
    JvmMetrics.builder().register(registry);
    TrainerMetrics metrics = new TrainerMetrics(registry, progress);
    Console terminal = System.console();
    ApprovalDesk desk = new ApprovalDesk();
    try (Workspace opened = Workspace.open(environment.workspace());
        RunEndpoint endpoint = listen(progress, registry, desk);
        TerminalProgress bar = terminal == null ? null : new TerminalProgress(progress, terminal)) {
      workspace = opened;
      RunObserver console = bar == null ? new RunLog(progress, System::nanoTime) : bar;
      DownloadSettings settings = DownloadSettings.of(variables, opened.folder());
      requireSecrets(settings.secrets());
      SourceResolver resolver =
          new SourceResolver(
              environment.volumes(),
              environment.claimsAreMounted(),
              opened.folder(),
              new RemoteSources(settings, opened.folder().resolve("sources")));
      // The one that may end the run comes last, when the others know of the event.
      RunObserver observer =
          RunObserver.all(List.of(journal, progress, metrics, console, preemption));
      run =
          new TrainingRun(
              plan,
              resolver,
              new JudgeFactory(
                  resolver, settings.secrets(), observer::judgeAsked, Compute.on(device, null)),
              opened.folder(),
              journal,
              observer,
              preemption,
              new OperatorApproval(desk, environment.approvalTimeout(), preemption),
              Compute.on(device, plan.training().bf16()),
              signingKey);
      return run.run();
    }
  }

  /** What can be known at the start is said then. */
  private void requireSecrets(SourceSecrets secrets) {
    Model model = plan.model();
    Dataset dataset = plan.dataset();
    Alignment alignment = plan.safety().alignment();
    Output output = plan.output();
    require(secrets, "model.source", model.source(), model.secretRef());
    require(secrets, "dataset.source", dataset.source(), dataset.secretRef());
    require(secrets, "safety.alignment.source", alignment.source(), alignment.secretRef());
    Judge.Classifier judge = plan.safety().evaluation().judge().classifier();
    if (judge != null) {
      require(
          secrets,
          "safety.evaluation.judge.classifier.source",
          judge.source(),
          plan.safety().evaluation().secretRef());
    }
    require(secrets, "output.destination", output.destination(), output.secretRef());
  }

  private static void require(
      SourceSecrets secrets, String field, String uri, SecretReference secret) {
    secrets.require(field, uri, secret == null ? null : secret.name());
  }

  private RunEndpoint listen(
      ProgressTracker progress, PrometheusRegistry registry, ApprovalDesk desk) {
    if (environment.port() == null) {
      return null;
    }
    RunEndpoint endpoint =
        new RunEndpoint(environment.address(), environment.port(), progress, registry, desk);
    LOG.info("listening on http://{}:{}", environment.address(), endpoint.port());
    return endpoint;
  }

  private TrainingResult failed(ExitReason reason, String message) {
    String digest = plan == null ? null : plan.digest();
    return journal.result(reason, message, digest, List.of(), List.of(), null, null);
  }

  private void tell(TrainingResult result) {
    PrintStream stream = result.reason() == ExitReason.SUCCESS ? out : err;
    stream.println("safegrad-trainer: " + result.message());
    if (environment == null || environment.terminationLog() == null) {
      return;
    }
    try {
      TerminationLog.write(environment.terminationLog(), result);
    } catch (IOException e) {
      err.println(
          "safegrad-trainer: the result cannot be written to " + environment.terminationLog());
    }
  }

  /** The process is asked to stop and the run does not answer. */
  private void stopNow() {
    try {
      if (run != null) {
        run.results().abandon();
      }
      if (workspace != null) {
        workspace.close();
      }
    } catch (IOException | TrainerException e) {
      LOG.debug("the run was left behind", e);
    }
    tell(
        failed(ExitReason.PREEMPTED, preemption.message("and could not wait for the step to end")));
  }
}
