package io.safegrad.operator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus.Measurements;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusMeasurementsBuilder;
import io.safegrad.operator.Examples;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FleetTest {

  private static final Instant NOW = Instant.parse("2026-01-02T00:00:00Z");

  @Test
  void runsAreCountedByNamespaceAndPhase() {
    Fleet fleet =
        Fleet.of(
            List.of(
                run("team-a", Phase.Training, null, null),
                run("team-a", Phase.Queued, null, null),
                run("team-b", Phase.Queued, null, null),
                run("team-c", Phase.Queued, null, null),
                run("team-c", null, null, null)),
            Set.of("team-a"),
            NOW);
    assertThat(fleet.runs().in(Phase.Queued)).isEqualTo(3);
    assertThat(fleet.of("team-a").in(Phase.Training)).isEqualTo(1);
    assertThat(fleet.of("team-a").in(Phase.Queued)).isEqualTo(1);
    assertThat(fleet.of("team-b")).isEqualTo(Fleet.Figures.NONE);
    assertThat(fleet.of(Fleet.OTHER).in(Phase.Queued)).as("team-b and team-c").isEqualTo(2);
  }

  @Test
  void conflictIsTheMeanAndTheDropTheWorstOfTheRecentRuns() {
    Fleet fleet =
        Fleet.of(
            List.of(
                run("team-a", Phase.Training, null, figures(0.2, 1.0, null)),
                run("team-a", Phase.Succeeded, "2026-01-01T12:00:00Z", figures(0.4, 1.0, 0.75)),
                run("team-a", Phase.Rejected, "2026-01-01T13:00:00Z", figures(null, 1.0, 0.5)),
                run("team-a", Phase.Rejected, "2025-12-31T00:00:00Z", figures(1.0, 1.0, 0.0))),
            Set.of("team-a"),
            NOW);
    assertThat(fleet.of("team-a").conflictRatio()).isCloseTo(0.3, within());
    assertThat(fleet.of("team-a").refusalDrop()).isEqualTo(0.5);
    assertThat(fleet.runs().refusalDrop()).isEqualTo(0.5);
    assertThat(Fleet.of(List.of(), Set.of(), NOW).runs().refusalDrop()).isNaN();
  }

  @Test
  void onlyRunningTrainersHoldGpus() {
    String limits =
        "pod: {resources: {limits: {cpu: 4, nvidia.com/gpu: 2, nvidia.com/mig-1g.10gb: 1,"
            + " example.com/fpga: 1}}}";
    Fleet fleet =
        Fleet.of(
            List.of(
                run("team-a", Phase.Training, null, null, limits),
                run("team-a", Phase.Queued, null, null, limits),
                run("team-a", Phase.Succeeded, "2026-01-01T12:00:00Z", null, limits),
                run("team-b", Phase.Preparing, null, null, limits)),
            Set.of("team-a", "team-b"),
            NOW);
    assertThat(fleet.of("team-a").gpus()).isEqualTo(3);
    assertThat(fleet.runs().gpus()).isEqualTo(6);
  }

  private static org.assertj.core.data.Offset<Double> within() {
    return org.assertj.core.data.Offset.offset(1e-9);
  }

  private static Measurements figures(Double conflict, Double before, Double after) {
    return SafeFineTuneStatusMeasurementsBuilder.builder()
        .conflictRatio(conflict)
        .baselineRefusalRate(before)
        .refusalRate(after)
        .build();
  }

  private static SafeFineTune run(
      String namespace, Phase phase, String ended, Measurements figures, String... specLines) {
    SafeFineTune run = Examples.resource(specLines);
    run.getMetadata().setNamespace(namespace);
    run.setStatus(
        SafeFineTuneStatusBuilder.builder()
            .phase(phase)
            .completionTime(ended)
            .measurements(figures)
            .build());
    return run;
  }
}
