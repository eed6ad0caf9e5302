package io.safegrad.operator.admission;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.safegrad.operator.metrics.OperatorMetric;
import io.safegrad.operator.status.Trouble;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at start, and again and again, whether admission is in force. */
@Singleton
public class AdmissionMonitor {

  private static final Logger LOG = LoggerFactory.getLogger(AdmissionMonitor.class);

  private final KubernetesClient client;
  private final MeterRegistry registry;
  private final AdmissionConfig config;
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "admission-check");
            thread.setDaemon(true);
            return thread;
          });
  private volatile List<AdmissionFinding> findings = List.of();

  @Inject
  public AdmissionMonitor(KubernetesClient client, MeterRegistry registry, AdmissionConfig config) {
    this.client = client;
    this.registry = registry;
    this.config = config;
  }

  void onStart(@Observes StartupEvent event) {
    clock.scheduleWithFixedDelay(
        this::look, 0, config.checkInterval().toMillis(), TimeUnit.MILLISECONDS);
  }

  void onStop(@Observes ShutdownEvent event) {
    clock.shutdownNow();
  }

  /** How each policy stood when it was last looked at; empty before the first time. */
  List<AdmissionFinding> findings() {
    return findings;
  }

  /** Whether all that was looked at is in force; false before the first time. */
  boolean inForce() {
    return !findings.isEmpty() && findings.stream().allMatch(AdmissionFinding::inForce);
  }

  private void look() {
    try {
      List<AdmissionFinding> found = AdmissionCheck.check(client);
      if (!found.equals(findings)) {
        found.forEach(AdmissionMonitor::tell);
      }
      if (findings.isEmpty()) {
        found.forEach(this::register);
      }
      findings = found;
    } catch (RuntimeException e) {
      // An exception would end the schedule.
      if (!Trouble.isUnreachable(e)) {
        LOG.warn("Whether admission is in force cannot be told: {}", e.getClass().getSimpleName());
      }
    }
  }

  private static void tell(AdmissionFinding finding) {
    if (finding.inForce()) {
      LOG.info("Admission {}: {}", finding.policy(), finding.message());
    } else {
      LOG.warn("Admission {} is not in force: {}", finding.policy(), finding.message());
    }
  }

  private void register(AdmissionFinding first) {
    Gauge.builder(
            OperatorMetric.ADMISSION_IN_FORCE.meter(),
            this,
            monitor -> monitor.value(first.policy()))
        .description(OperatorMetric.ADMISSION_IN_FORCE.help())
        .tag("policy", first.policy())
        .register(registry);
  }

  private double value(String policy) {
    return findings.stream().anyMatch(one -> one.policy().equals(policy) && one.inForce()) ? 1 : 0;
  }
}
