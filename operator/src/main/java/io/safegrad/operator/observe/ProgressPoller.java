package io.safegrad.operator.observe;

import io.javaoperatorsdk.operator.processing.event.Event;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.AbstractEventSource;
import io.javaoperatorsdk.operator.processing.event.source.ResourceEventAware;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.safegrad.api.Approval;
import io.safegrad.api.TrainingProgress;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.OperatorConfig;
import io.safegrad.operator.dependent.TrainerPod;
import io.safegrad.operator.metrics.OperatorMetric;
import io.safegrad.operator.observe.RunObservation.PodStage;
import io.safegrad.operator.observe.RunObservation.PodState;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks each running trainer how far it is. Nobody waits for an answer: reconciliation reads the
 * newest one worth telling, and is called when one says something worth writing down.
 */
@Singleton
public class ProgressPoller extends AbstractEventSource<TrainingProgress, SafeFineTune>
    implements ResourceEventAware<SafeFineTune> {

  private static final Logger LOG = LoggerFactory.getLogger(ProgressPoller.class);
  private static final int LONGEST_ANSWER = 16 * 1024;

  /** Nobody waits in one of them: they only read what has come. */
  private static final int THREADS = 2;

  /** Why a question brought no progress. */
  private enum Miss {
    UNREACHABLE,
    TIMEOUT,
    NO_PROGRESS
  }

  private final OperatorConfig.Progress config;
  private final MeterRegistry registry;
  private final HttpClient http;
  private final Map<ResourceID, FollowedTrainer> followed = new ConcurrentHashMap<>();
  private ScheduledExecutorService clock;

  @Inject
  public ProgressPoller(OperatorConfig config, MeterRegistry registry) {
    super(TrainingProgress.class, "progress");
    this.config = config.progress();
    this.registry = registry;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .executor(Executors.newFixedThreadPool(THREADS, ProgressPoller::thread))
            .connectTimeout(this.config.pollInterval())
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
  }

  /**
   * Asks the pod's trainer from now on, if it runs; otherwise nobody is asked for this run.
   *
   * @return its newest answer that is worth a status write; null when there is none
   */
  public TrainingProgress follow(ResourceID run, PodState pod) {
    if (pod == null || pod.stage() != PodStage.RUNNING || pod.address() == null) {
      forget(run);
      return null;
    }
    return followed
        .compute(run, (id, known) -> known != null && known.isOf(pod) ? known : replace(known, pod))
        .told();
  }

  private FollowedTrainer replace(FollowedTrainer known, PodState pod) {
    if (known != null) {
      known.abandon();
    }
    return new FollowedTrainer(pod.uid(), address(pod.address()), config.statusInterval());
  }

  /**
   * Answers the trainer's question whether it may publish. One that does not hear it asks again.
   */
  public void answer(ResourceID run, Approval approval) {
    FollowedTrainer trainer = followed.get(run);
    if (trainer == null) {
      return;
    }
    HttpRequest request =
        HttpRequest.newBuilder(trainer.address().resolve("/approval"))
            .timeout(config.pollInterval())
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(ProgressMessage.write(approval)))
            .build();
    http.sendAsync(request, HttpResponse.BodyHandlers.discarding())
        .thenAccept(
            response -> {
              if (response.statusCode() == 204) {
                LOG.info(
                    "{}/{}: {}",
                    run.getNamespace().orElse(""),
                    run.getName(),
                    approval.approved()
                        ? "the adapter may be published"
                        : "the adapter must not be published: "
                            + String.join("; ", approval.failures()));
              }
            });
  }

  /** Asks no more. */
  public void forget(ResourceID run) {
    FollowedTrainer trainer = followed.remove(run);
    if (trainer != null) {
      trainer.abandon();
    }
  }

  @Override
  public void start() {
    super.start();
    // Prometheus sees no increase in a counter that begins with 1.
    Stream.of(Miss.values()).forEach(this::errors);
    clock = Executors.newSingleThreadScheduledExecutor(ProgressPoller::thread);
    Duration period = config.pollInterval();
    clock.scheduleWithFixedDelay(
        this::askAll, period.toMillis(), period.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void stop() {
    super.stop();
    if (clock != null) {
      clock.shutdownNow();
    }
    Set.copyOf(followed.keySet()).forEach(this::forget);
  }

  @Override
  public Set<TrainingProgress> getSecondaryResources(SafeFineTune primary) {
    return Optional.ofNullable(followed.get(ResourceID.fromResource(primary)))
        .map(FollowedTrainer::told)
        .map(Set::of)
        .orElse(Set.of());
  }

  @Override
  public void onResourceDeleted(SafeFineTune resource) {
    forget(ResourceID.fromResource(resource));
  }

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "progress-poller");
    thread.setDaemon(true);
    return thread;
  }

  private void askAll() {
    followed.forEach(this::ask);
  }

  /** A question still open from the last round has taken too long and is given up. */
  private void ask(ResourceID run, FollowedTrainer trainer) {
    HttpRequest request =
        HttpRequest.newBuilder(trainer.address())
            .timeout(config.pollInterval())
            .header("Accept", "application/json")
            .build();
    CompletableFuture<HttpResponse<byte[]>> answer =
        http.sendAsync(
            request,
            info ->
                info.statusCode() == 200
                    ? new BoundedBody(LONGEST_ANSWER)
                    : HttpResponse.BodySubscribers.replacing(new byte[0]));
    trainer.asking(answer);
    answer.whenComplete(
        (response, failure) -> {
          if (failure != null) {
            unheard(
                run, trainer, isLate(failure) ? Miss.TIMEOUT : Miss.UNREACHABLE, cause(failure));
            return;
          }
          ProgressMessage.parse(response.body())
              .ifPresentOrElse(
                  progress -> {
                    if (trainer.heard(progress, System.nanoTime())) {
                      getEventHandler().handleEvent(new Event(run));
                    }
                  },
                  () -> unheard(run, trainer, Miss.NO_PROGRESS, "what it answers is no progress"));
        });
  }

  private void unheard(ResourceID run, FollowedTrainer trainer, Miss miss, String why) {
    errors(miss).increment();
    if (trainer.unheard()) {
      LOG.warn(
          "{}/{}: The trainer does not tell its progress ({}); the run goes on without",
          run.getNamespace().orElse(""),
          run.getName(),
          why);
    }
  }

  private Counter errors(Miss miss) {
    return Counter.builder(OperatorMetric.POLL_ERRORS.meter())
        .description(OperatorMetric.POLL_ERRORS.help())
        .tag("reason", miss.name().toLowerCase(Locale.ROOT))
        .register(registry);
  }

  private static boolean isLate(Throwable failure) {
    return failure instanceof CancellationException
        || failure instanceof HttpTimeoutException
        || failure.getCause() instanceof HttpTimeoutException;
  }

  private static String cause(Throwable failure) {
    if (isLate(failure)) {
      return "it does not answer in time";
    }
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return Sentence.of(cause.getClass().getSimpleName() + ": " + cause.getMessage());
  }

  private static URI address(String ip) {
    String host = ip.contains(":") ? "[" + ip + "]" : ip;
    return URI.create("http://" + host + ":" + TrainerPod.PORT + "/progress");
  }
}
