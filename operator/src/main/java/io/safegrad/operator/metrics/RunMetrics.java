package io.safegrad.operator.metrics;

import io.fabric8.kubernetes.api.model.Condition;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.monitoring.micrometer.MicrometerMetrics;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.safegrad.api.ExitReason;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.Leadership;
import io.safegrad.operator.status.Conditions;
import io.safegrad.operator.status.RunStatus;
import io.safegrad.operator.status.Trouble;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The operator's meters. None is per resource: their number must not grow with the runs. Namespaces
 * are shown by name up to a number, and together as {@link Fleet#OTHER} beyond it.
 */
@Singleton
public class RunMetrics {

  static final int MOST_NAMESPACES = 200;

  private static final String NAMESPACE = "run_namespace";

  /** Somebody else wrote the resource in between, or its names are taken. */
  private static final String CONFLICT = "Conflict";

  /** What a SafetyPolicy can demand of a run. */
  static final List<String> DEMANDS =
      List.of(
          "requiredMethod",
          "minimumAlignmentWeight",
          "maxAlignmentRefreshSteps",
          "gate",
          "alignment",
          "evaluation",
          "attribution",
          "allowedSources",
          "allowedDestinations",
          "allowedImages",
          "requirePinnedRevision",
          "limits",
          "quarantine",
          "screening");

  private static final List<String> VERDICTS = List.of("held", "refused", "not_measured");

  /** Counting thousands of runs once serves all gauges of a scrape. */
  private static final Duration FRESH = Duration.ofSeconds(1);

  /** From a pod on a warm node to a week in a queue. */
  private static final Duration[] PHASE_BUCKETS =
      Stream.of(1, 5, 15, 60, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 7 * 24 * 3600)
          .map(Duration::ofSeconds)
          .toArray(Duration[]::new);

  private record Counted(Fleet fleet, Instant at) {}

  private final MeterRegistry registry;
  private final BooleanSupplier leads;
  private final InstantSource time;
  private final PhaseClock clock = new PhaseClock();
  private final Map<String, List<Meter>> shown = new ConcurrentHashMap<>();
  private volatile Cache<SafeFineTune> resources;
  private volatile Counted counted = new Counted(Fleet.EMPTY, Instant.MIN);

  @Inject
  public RunMetrics(MeterRegistry registry, Leadership leadership) {
    this(registry, leadership::leads, InstantSource.system());
  }

  RunMetrics(MeterRegistry registry, BooleanSupplier leads, InstantSource time) {
    this.registry = registry;
    this.leads = leads;
    this.time = time;
  }

  /** The SDK's own meters, without a series per resource. */
  @Produces
  @Singleton
  Metrics frameworkMetrics() {
    return MicrometerMetrics.withoutPerResourceMetrics(registry);
  }

  /**
   * Counts the resources whenever somebody asks. What is known to come begins with 0: Prometheus
   * sees no increase in a counter that begins with 1.
   */
  public void count(Cache<SafeFineTune> resources) {
    this.resources = resources;
    for (Phase phase : Phase.values()) {
      gauge(OperatorMetric.RUNS, fleet -> fleet.runs().in(phase), "phase", phase.name());
      if (!phase.isTerminal()) {
        phaseTimer(phase);
      }
    }
    for (ExitReason reason : ExitReason.values()) {
      counter(OperatorMetric.RUN_ENDS, "reason", reason.conditionReason());
    }
    DEMANDS.forEach(demand -> counter(OperatorMetric.POLICY_VIOLATIONS, "rule", demand));
    Trouble.REASONS.forEach(reason -> counter(OperatorMetric.RECONCILE_ERRORS, "reason", reason));
    counter(OperatorMetric.RECONCILE_ERRORS, "reason", CONFLICT);
  }

  /** A resource was reconciled, and its status may be another one now. */
  public void reconciled(SafeFineTune resource, SafeFineTuneStatus before, Instant now) {
    show(resource.getMetadata().getNamespace());
    SafeFineTuneStatus after = RunStatus.last(resource);
    if (after.phase() == null || after.phase() == before.phase()) {
      return;
    }
    clock
        .changed(resource.getMetadata().getUid(), after.phase(), now)
        .ifPresent(time -> phaseTimer(before.phase()).record(time));
    if (after.phase().isTerminal()) {
      verdicts(resource.getMetadata().getNamespace(), verdict(after)).increment();
      String reason = condition(after, Conditions.SUCCEEDED).orElseThrow().getReason();
      counter(OperatorMetric.RUN_ENDS, "reason", reason).increment();
    }
  }

  /** A reconciliation failed. */
  public void troubled(SafeFineTune resource, Throwable failure) {
    Trouble trouble = Trouble.of(failure);
    String reason = Trouble.isConflict(failure) ? CONFLICT : trouble.reason();
    counter(OperatorMetric.RECONCILE_ERRORS, "reason", reason).increment();
    // The same refusal is met again at each look at the resource.
    boolean known =
        condition(RunStatus.last(resource), Conditions.ACCEPTED)
            .filter(condition -> trouble.sentence().equals(condition.getMessage()))
            .isPresent();
    if (!known) {
      Trouble.violations(failure)
          .forEach(
              violation ->
                  counter(OperatorMetric.POLICY_VIOLATIONS, "rule", demand(violation.rule()))
                      .increment());
    }
  }

  /** The field of the spec alone: further on a tenant may have made names up. */
  private static String demand(String rule) {
    return rule.split("\\.", 2)[0];
  }

  private static String verdict(SafeFineTuneStatus ended) {
    return switch (condition(ended, Conditions.SAFETY_GATE_PASSED).orElseThrow().getStatus()) {
      case "True" -> VERDICTS.get(0);
      case "False" -> VERDICTS.get(1);
      default -> VERDICTS.get(2);
    };
  }

  private static Optional<Condition> condition(SafeFineTuneStatus status, String type) {
    return Optional.ofNullable(status.conditions()).stream()
        .flatMap(List::stream)
        .filter(condition -> type.equals(condition.getType()))
        .findFirst();
  }

  /** The meters of a namespace from its first run on, so that its counters begin with 0. */
  private void show(String namespace) {
    if (shown.containsKey(namespace)) {
      return;
    }
    synchronized (shown) {
      if (shown.size() >= MOST_NAMESPACES) {
        forgetEmptyNamespaces();
      }
      String name = shown.size() < MOST_NAMESPACES ? namespace : Fleet.OTHER;
      shown.computeIfAbsent(name, this::meters);
    }
  }

  private void forgetEmptyNamespaces() {
    Set<String> alive = fleet().namespaces().keySet();
    shown.entrySet().stream()
        .filter(entry -> !alive.contains(entry.getKey()) && !entry.getKey().equals(Fleet.OTHER))
        .toList()
        .forEach(
            entry -> {
              entry.getValue().forEach(registry::remove);
              shown.remove(entry.getKey());
            });
  }

  private List<Meter> meters(String namespace) {
    Stream<Meter> phases =
        Stream.of(Phase.values())
            .map(
                phase ->
                    gauge(
                        OperatorMetric.NAMESPACE_RUNS,
                        fleet -> fleet.of(namespace).in(phase),
                        NAMESPACE,
                        namespace,
                        "phase",
                        phase.name()));
    Stream<Meter> figures =
        Stream.of(
            gauge(
                OperatorMetric.NAMESPACE_CONFLICT_RATIO,
                fleet -> fleet.of(namespace).conflictRatio(),
                NAMESPACE,
                namespace),
            gauge(
                OperatorMetric.NAMESPACE_REFUSAL_DROP_RATIO,
                fleet -> fleet.of(namespace).refusalDrop(),
                NAMESPACE,
                namespace),
            gauge(
                OperatorMetric.NAMESPACE_GPUS,
                fleet -> fleet.of(namespace).gpus(),
                NAMESPACE,
                namespace));
    Stream<Meter> verdicts =
        VERDICTS.stream()
            .map(
                verdict ->
                    counter(
                        OperatorMetric.GATE_VERDICTS, NAMESPACE, namespace, "verdict", verdict));
    return Stream.of(phases, figures, verdicts).flatMap(each -> each).toList();
  }

  private Counter verdicts(String namespace, String verdict) {
    return counter(
        OperatorMetric.GATE_VERDICTS,
        NAMESPACE,
        shown.containsKey(namespace) ? namespace : Fleet.OTHER,
        "verdict",
        verdict);
  }

  private Timer phaseTimer(Phase phase) {
    return Timer.builder(OperatorMetric.PHASE_DURATION.meter())
        .description(OperatorMetric.PHASE_DURATION.help())
        .tag("phase", phase.name())
        .serviceLevelObjectives(PHASE_BUCKETS)
        .register(registry);
  }

  private Counter counter(OperatorMetric metric, String... labels) {
    return Counter.builder(metric.meter())
        .description(metric.help())
        .tags(labels)
        .register(registry);
  }

  private Gauge gauge(OperatorMetric metric, ToDoubleFunction<Fleet> value, String... labels) {
    return Gauge.builder(metric.meter(), this, metrics -> value.applyAsDouble(metrics.fleet()))
        .description(metric.help())
        .tags(labels)
        .register(registry);
  }

  /** One that stands by counts none: those that the leader counts would be counted twice. */
  private synchronized Fleet fleet() {
    if (!leads.getAsBoolean()) {
      return Fleet.EMPTY;
    }
    Instant now = time.instant();
    if (counted.at().isBefore(now.minus(FRESH))) {
      List<SafeFineTune> runs = resources.list().toList();
      clock.keep(runs.stream().map(run -> run.getMetadata().getUid()).collect(Collectors.toSet()));
      counted = new Counted(Fleet.of(runs, shown.keySet(), now), now);
    }
    return counted.fleet();
  }
}
