package io.safegrad.operator.metrics;

import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.monitoring.micrometer.MicrometerMetrics;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.status.RunStatus;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

/** The operator's meters. None is per resource: their number must not grow with the cluster. */
@Singleton
public class RunMetrics {

  private final MeterRegistry registry;

  @Inject
  public RunMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  /** The SDK's own meters, without a series per resource. */
  @Produces
  @Singleton
  Metrics frameworkMetrics() {
    return MicrometerMetrics.withoutPerResourceMetrics(registry);
  }

  /** Counts the resources in each phase whenever somebody asks. */
  public void count(Cache<SafeFineTune> resources) {
    for (Phase phase : Phase.values()) {
      Gauge.builder("safegrad.runs", resources, cache -> inPhase(cache, phase))
          .description("SafeFineTunes by phase")
          .tag("phase", phase.name())
          .register(registry);
    }
  }

  private static double inPhase(Cache<SafeFineTune> resources, Phase phase) {
    return resources.list(resource -> RunStatus.last(resource).phase() == phase).count();
  }
}
