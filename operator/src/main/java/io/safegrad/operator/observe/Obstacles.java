package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.PodStage;
import java.util.Comparator;
import java.util.Optional;

/** What keeps a Job from having a pod. Nothing announces it: it has to be asked for. */
final class Obstacles {

  private static final String FAILED_CREATE = "FailedCreate";

  private Obstacles() {}

  /** Why the Job of an unfinished run has no living pod; empty when nothing keeps it from one. */
  static Optional<Cause> of(KubernetesClient client, Job job, RunObservation seen) {
    if (seen.job().end() != null) {
      return Optional.empty();
    }
    if (seen.job().suspended()) {
      return seen.job().queue() == null
          ? Optional.empty()
          : Optional.of(Queue.waiting(client, job, seen.job().queue()));
    }
    boolean living = seen.pod() != null && seen.pod().stage() != PodStage.ENDED;
    return living ? Optional.empty() : refused(client, job, seen);
  }

  /** The API server's refusal of the Job's next pod, for example by a quota. */
  private static Optional<Cause> refused(KubernetesClient client, Job job, RunObservation seen) {
    String lastEnd =
        seen.lastEnded() == null || seen.lastEnded().ended() == null
            ? ""
            : seen.lastEnded().ended();
    return client
        .v1()
        .events()
        .inNamespace(job.getMetadata().getNamespace())
        .withField("involvedObject.uid", job.getMetadata().getUid())
        .withField("reason", FAILED_CREATE)
        .list()
        .getItems()
        .stream()
        // A refusal of an earlier pod is past.
        .filter(event -> time(event).compareTo(lastEnd) >= 0)
        .max(Comparator.comparing(Obstacles::time))
        .map(event -> Sentence.of(event.getMessage()))
        .map(
            note ->
                new Cause(
                    note.contains("exceeded quota")
                        ? ConditionReason.QuotaExceeded.name()
                        : FAILED_CREATE,
                    note))
        .map(MissingReference::explained);
  }

  /** When it happened last, to the second. */
  private static String time(Event event) {
    String time =
        event.getLastTimestamp() != null
            ? event.getLastTimestamp()
            : event.getEventTime() == null
                ? event.getMetadata().getCreationTimestamp()
                : event.getEventTime().getTime();
    return time.substring(0, 19);
  }
}
