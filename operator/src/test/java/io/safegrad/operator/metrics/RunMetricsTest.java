package io.safegrad.operator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConditionBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import io.safegrad.api.v1alpha1.SafetyPolicySpec;
import io.safegrad.operator.Examples;
import io.safegrad.operator.plan.PlanException;
import io.safegrad.operator.plan.PolicyViolation;
import io.safegrad.operator.plan.PolicyViolationException;
import io.safegrad.operator.status.RunStatus;
import io.safegrad.operator.status.Trouble;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RunMetricsTest {

  private static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");

  private static final SafeFineTune EXAMPLE = Examples.resource();

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  /** Registered by others. */
  private static final Set<OperatorMetric> ELSEWHERE =
      Set.of(
          OperatorMetric.ADMISSION_IN_FORCE,
          OperatorMetric.API_REQUESTS,
          OperatorMetric.LEADER,
          OperatorMetric.POLL_ERRORS);

  private final RunMetrics metrics = new RunMetrics(registry, () -> true, this::nextMinute);
  private final Runs runs = new Runs();
  private Instant now = T0;

  @BeforeEach
  void count() {
    metrics.count(runs);
  }

  @Test
  void theVerdictsOfANamespaceBeginWithNought() {
    move("team-a", "one", null, Phase.Pending, T0);
    assertThat(verdicts("team-a", "refused")).isZero();
    assertThat(verdicts("team-a", "held")).isZero();
    move("team-a", "one", Phase.Evaluating, Phase.Rejected, T0, "False", "GateRefused");
    move("team-a", "two", Phase.Evaluating, Phase.Failed, T0, "Unknown", "BadData");
    assertThat(verdicts("team-a", "refused")).isEqualTo(1);
    assertThat(verdicts("team-a", "not_measured")).isEqualTo(1);
    assertThat(verdicts("team-a", "held")).isZero();
    assertThat(ends("GateRefused")).isEqualTo(1);
    assertThat(ends("BadData")).isEqualTo(1);
  }

  @Test
  void timeInAPhaseIsMeasuredWhereItsBeginWasSeen() {
    move("team-a", "seen", null, Phase.Queued, T0);
    move("team-a", "seen", Phase.Queued, Phase.Queued, T0.plusSeconds(10));
    move("team-a", "seen", Phase.Queued, Phase.Training, T0.plusSeconds(30));
    move("team-a", "of another operator", Phase.Queued, Phase.Training, T0.plusSeconds(900));
    move("team-a", "seen", Phase.Training, Phase.Suspended, T0.plusSeconds(40));
    assertThat(
            registry
                .get("safegrad.phase.duration")
                .tag("phase", "Queued")
                .timer()
                .totalTime(TimeUnit.SECONDS))
        .isEqualTo(30);
    assertThat(registry.get("safegrad.phase.duration").tag("phase", "Queued").timer().count())
        .isEqualTo(1);
    assertThat(
            registry
                .get("safegrad.phase.duration")
                .tag("phase", "Training")
                .timer()
                .totalTime(TimeUnit.SECONDS))
        .isEqualTo(10);
  }

  @Test
  void aViolationIsCountedOnceAndAnErrorEachTime() {
    SafeFineTune run = resource("team-a", "one");
    PolicyViolationException refused =
        new PolicyViolationException(
            List.of(
                new PolicyViolation("spec.method.name", "requiredMethod", "Sft", "SafeGrad", "p"),
                new PolicyViolation(
                    "spec.pod.resources", "limits.resources.made.up/by-tenant", "1", "0", "p")));
    metrics.troubled(run, refused);
    run.setStatus(RunStatus.troubled(run, Trouble.of(refused), T0));
    metrics.troubled(run, refused);
    metrics.troubled(run, new KubernetesClientException("conflict", 409, null));
    assertThat(count("safegrad.policy.violations", "rule", "requiredMethod")).isEqualTo(1);
    assertThat(count("safegrad.policy.violations", "rule", "limits")).isEqualTo(1);
    assertThat(count("safegrad.reconcile.errors", "reason", "PolicyViolation")).isEqualTo(2);
    assertThat(count("safegrad.reconcile.errors", "reason", "Conflict")).isEqualTo(1);
  }

  @Test
  void namespacesBeyondTheMostAreShownTogether() {
    for (int n = 0; n < RunMetrics.MOST_NAMESPACES + 30; n++) {
      move("team-" + n, "run", null, Phase.Queued, T0);
    }
    double shown =
        registry.get("safegrad.namespace.runs").tag("phase", "Queued").gauges().stream()
            .mapToDouble(gauge -> gauge.value())
            .sum();
    assertThat(registry.get("safegrad.namespace.runs").tag("phase", "Queued").gauges())
        .hasSize(RunMetrics.MOST_NAMESPACES + 1);
    assertThat(shown).isEqualTo(RunMetrics.MOST_NAMESPACES + 30);
    assertThat(
            registry
                .get("safegrad.namespace.runs")
                .tag("run_namespace", Fleet.OTHER)
                .tag("phase", "Queued")
                .gauge()
                .value())
        .isEqualTo(30);
    move(
        "team-" + (RunMetrics.MOST_NAMESPACES + 5),
        "run",
        Phase.Evaluating,
        Phase.Rejected,
        T0,
        "False",
        "GateRefused");
    assertThat(verdicts(Fleet.OTHER, "refused")).isEqualTo(1);
  }

  @Test
  void whatAPolicyCanDemandIsCountedFromNought() {
    assertThat(RunMetrics.DEMANDS)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(SafetyPolicySpec.class.getRecordComponents())
                .map(RecordComponent::getName)
                .filter(field -> !field.equals("namespaceSelector"))
                .toList());
    assertThat(count("safegrad.policy.violations", "rule", "quarantine")).isZero();
    for (int code : new int[] {403, 409, 422, 500}) {
      metrics.troubled(resource("team-a", "one"), new KubernetesClientException("no", code, null));
    }
    metrics.troubled(resource("team-a", "one"), new PlanException("field x"));
    metrics.troubled(resource("team-a", "one"), new IllegalStateException("odd"));
    assertThat(registry.get("safegrad.reconcile.errors").counters())
        .as("no reason is new, and all but two were met")
        .hasSize(Trouble.REASONS.size() + 1)
        .filteredOn(counter -> counter.count() == 0)
        .hasSize(2);
  }

  @Test
  void whatIsRegisteredIsTheListWithItsLabels() {
    move("team-a", "one", null, Phase.Pending, T0);
    move("team-a", "one", Phase.Pending, Phase.Rejected, T0, "False", "GateRefused");
    metrics.troubled(
        resource("team-a", "two"),
        new PolicyViolationException(
            List.of(new PolicyViolation("spec.pod.image", "images", "x", "none", "p"))));
    assertThat(Stream.of(OperatorMetric.values()))
        .filteredOn(metric -> !ELSEWHERE.contains(metric))
        .allSatisfy(
            metric ->
                assertThat(registry.get(metric.meter()).meters())
                    .allSatisfy(
                        meter ->
                            assertThat(meter.getId().getTags().stream().map(tag -> tag.getKey()))
                                .containsExactlyInAnyOrderElementsOf(metric.labels())));
  }

  @Test
  void oneThatStandsByCountsNoRuns() {
    SimpleMeterRegistry quiet = new SimpleMeterRegistry();
    new RunMetrics(quiet, () -> false, this::nextMinute).count(null);
    assertThat(quiet.get("safegrad.runs").gauges())
        .allSatisfy(one -> assertThat(one.value()).isZero());
  }

  /** No two scrapes are at the same time. */
  private Instant nextMinute() {
    now = now.plusSeconds(60);
    return now;
  }

  private double verdicts(String namespace, String verdict) {
    return registry
        .get("safegrad.gate.verdicts")
        .tag("run_namespace", namespace)
        .tag("verdict", verdict)
        .counter()
        .count();
  }

  private double ends(String reason) {
    return count("safegrad.run.ends", "reason", reason);
  }

  private double count(String meter, String label, String value) {
    return registry.get(meter).tag(label, value).counter().count();
  }

  private void move(String namespace, String name, Phase before, Phase after, Instant now) {
    move(namespace, name, before, after, now, "Unknown", after.name());
  }

  private void move(
      String namespace,
      String name,
      Phase before,
      Phase after,
      Instant now,
      String gate,
      String reason) {
    SafeFineTune run = resource(namespace, name);
    run.setStatus(
        SafeFineTuneStatusBuilder.builder()
            .phase(after)
            .completionTime(after.isTerminal() ? now.toString() : null)
            .conditions(
                List.of(
                    condition("SafetyGatePassed", gate, reason),
                    condition("Succeeded", "Unknown", reason)))
            .build());
    runs.put(run);
    SafeFineTuneStatus last = SafeFineTuneStatusBuilder.builder().phase(before).build();
    metrics.reconciled(run, last, now);
  }

  private static io.fabric8.kubernetes.api.model.Condition condition(
      String type, String status, String reason) {
    return new ConditionBuilder().withType(type).withStatus(status).withReason(reason).build();
  }

  private static SafeFineTune resource(String namespace, String name) {
    SafeFineTune run = new SafeFineTune();
    run.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(namespace)
            .withName(name)
            .withUid(namespace + "/" + name)
            .build());
    run.setSpec(EXAMPLE.getSpec());
    return run;
  }

  /** The SDK's cache, in memory. */
  private static final class Runs implements Cache<SafeFineTune> {

    private final Map<String, SafeFineTune> all = new TreeMap<>();

    void put(SafeFineTune run) {
      all.put(run.getMetadata().getUid(), run);
    }

    @Override
    public Optional<SafeFineTune> get(ResourceID id) {
      return all.values().stream().filter(run -> ResourceID.fromResource(run).equals(id)).findAny();
    }

    @Override
    public Stream<ResourceID> keys() {
      return all.values().stream().map(ResourceID::fromResource);
    }

    @Override
    public Stream<SafeFineTune> list(Predicate<SafeFineTune> predicate) {
      return all.values().stream().filter(predicate);
    }
  }
}
