package io.safegrad.operator.admission;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/** Tells how admission stands; the operator is not ready without it only where it is required. */
@Readiness
@ApplicationScoped
public class AdmissionHealth implements HealthCheck {

  private final AdmissionMonitor monitor;
  private final AdmissionConfig config;

  @Inject
  public AdmissionHealth(AdmissionMonitor monitor, AdmissionConfig config) {
    this.monitor = monitor;
    this.config = config;
  }

  @Override
  public HealthCheckResponse call() {
    HealthCheckResponseBuilder response =
        HealthCheckResponse.named("admission")
            .status(monitor.inForce() || !config.required())
            .withData("inForce", monitor.inForce());
    monitor.findings().forEach(finding -> response.withData(finding.policy(), finding.message()));
    return response.build();
  }
}
