package io.safegrad.operator;

import static org.assertj.core.api.Assertions.assertThat;

import io.safegrad.api.v1alpha1.Phase;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatusBuilder;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimeToLiveTest {

  private static final String END = "2026-01-01T00:00:00Z";
  private static final Instant LATER = Instant.parse(END).plusSeconds(60);

  @Test
  void aRecordStaysUnlessItsOwnerSaysOtherwise() {
    assertThat(TimeToLive.left(ended("ttlSecondsAfterFinished: 5"), LATER)).isEmpty();
    assertThat(TimeToLive.left(ended("ttlPolicy: DeleteResource"), LATER)).isEmpty();
  }

  @Test
  void theTimeCountsFromTheEnd() {
    SafeFineTune run = ended("ttlSecondsAfterFinished: 100", "ttlPolicy: DeleteResource");
    assertThat(TimeToLive.left(run, LATER)).contains(Duration.ofSeconds(40));
    assertThat(TimeToLive.left(run, LATER.plusSeconds(50))).contains(Duration.ofSeconds(-10));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "argocd.argoproj.io/tracking-id",
        "argocd.argoproj.io/instance",
        "kustomize.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/name"
      })
  void whatWouldBeCreatedAgainIsKept(String note) {
    SafeFineTune run = ended("ttlSecondsAfterFinished: 5", "ttlPolicy: DeleteResource");
    run.getMetadata().setAnnotations(Map.of(note, "x"));
    assertThat(TimeToLive.left(run, LATER)).isEmpty();
    run.getMetadata().setAnnotations(null);
    run.getMetadata().setLabels(Map.of(note, "x"));
    assertThat(TimeToLive.left(run, LATER)).isEmpty();
  }

  private static SafeFineTune ended(String... spec) {
    SafeFineTune run = Examples.resource(spec);
    run.setStatus(
        SafeFineTuneStatusBuilder.builder().phase(Phase.Succeeded).completionTime(END).build());
    return run;
  }
}
