package io.safegrad.operator;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneSpec.TtlPolicy;
import io.safegrad.operator.status.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How long the resource of an ended run stays. */
final class TimeToLive {

  /** Where Argo CD and Flux note that a resource comes from them. */
  private static final Set<String> DECLARED =
      Set.of(
          "argocd.argoproj.io/tracking-id",
          "argocd.argoproj.io/instance",
          "kustomize.toolkit.fluxcd.io/name",
          "helm.toolkit.fluxcd.io/name");

  private static final Logger LOG = LoggerFactory.getLogger(TimeToLive.class);

  private TimeToLive() {}

  /** Deletes the resource when it is due, or comes back when it will be. */
  static UpdateControl<SafeFineTune> apply(SafeFineTune run, KubernetesClient client, Instant now) {
    Optional<Duration> left = left(run, now);
    if (left.isEmpty()) {
      return UpdateControl.noUpdate();
    }
    if (left.get().compareTo(Duration.ZERO) > 0) {
      return UpdateControl.<SafeFineTune>noUpdate().rescheduleAfter(left.get());
    }
    LOG.info(
        "{}/{}: deleted, {} s after its end",
        run.getMetadata().getNamespace(),
        run.getMetadata().getName(),
        run.getSpec().ttlSecondsAfterFinished());
    // Of this version only: its user may just have given it more time.
    client.resource(run).lockResourceVersion().delete();
    return UpdateControl.noUpdate();
  }

  /**
   * The time after which the resource itself is deleted, zero or less when it is due; empty when it
   * stays. It stays where something would create it again: the run would begin anew, for ever.
   */
  static Optional<Duration> left(SafeFineTune run, Instant now) {
    Integer seconds = run.getSpec().ttlSecondsAfterFinished();
    String end = RunStatus.last(run).completionTime();
    if (seconds == null
        || end == null
        || run.getSpec().ttlPolicy() != TtlPolicy.DeleteResource
        || isDeclared(run)) {
      return Optional.empty();
    }
    return Optional.of(Duration.between(now, Instant.parse(end).plusSeconds(seconds)));
  }

  private static boolean isDeclared(SafeFineTune run) {
    return has(run.getMetadata().getLabels()) || has(run.getMetadata().getAnnotations());
  }

  private static boolean has(Map<String, String> notes) {
    return notes != null && notes.keySet().stream().anyMatch(DECLARED::contains);
  }
}
