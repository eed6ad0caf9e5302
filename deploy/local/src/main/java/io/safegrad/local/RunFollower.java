package io.safegrad.local;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;

/** Shows how runs get on, from the status the operator writes, until all have ended. */
final class RunFollower {

  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  private final KubernetesClient client;
  private final String namespace;
  private final ProgressLines lines;

  RunFollower(KubernetesClient client, String namespace, ProgressLines lines) {
    this.client = client;
    this.namespace = namespace;
    this.lines = lines;
  }

  /** Returns the resources when each has ended. */
  List<SafeFineTune> follow(List<String> names) {
    while (true) {
      List<SafeFineTune> resources = names.stream().map(this::get).toList();
      lines.show(resources.stream().map(RunFollower::line).toList());
      if (resources.stream().allMatch(RunFollower::hasEnded)) {
        lines.end();
        return resources;
      }
      if (Thread.interrupted()) {
        throw new CancellationException("interrupted while following");
      }
      LockSupport.parkNanos(LOOK_EVERY.toNanos());
    }
  }

  private SafeFineTune get(String name) {
    SafeFineTune found =
        client.resources(SafeFineTune.class).inNamespace(namespace).withName(name).get();
    if (found == null) {
      throw new LocalException("SafeFineTune " + name + " was deleted while it was followed");
    }
    return found;
  }

  private static boolean hasEnded(SafeFineTune resource) {
    SafeFineTuneStatus status = resource.getStatus();
    return status != null && status.phase() != null && status.phase().isTerminal();
  }

  private static ProgressLines.Line line(SafeFineTune resource) {
    SafeFineTuneStatus status = resource.getStatus();
    String phase = status == null || status.phase() == null ? "Pending" : status.phase().name();
    StringBuilder text =
        new StringBuilder(
            String.format(Locale.ROOT, "%-20s %-10s", resource.getMetadata().getName(), phase));
    if (status != null) {
      append(text, "step", status.progress());
      append(text, "conflict", status.conflict());
      append(text, "refusal", status.refusal());
      boolean running = status.phase() != null && !status.phase().isTerminal();
      append(
          text,
          "left",
          status.etaSeconds() == null || !running ? null : status.etaSeconds() + " s");
    }
    return new ProgressLines.Line(phase, text.toString());
  }

  private static void append(StringBuilder text, String label, String value) {
    if (value != null) {
      text.append("  ").append(label).append(' ').append(value);
    }
  }
}
