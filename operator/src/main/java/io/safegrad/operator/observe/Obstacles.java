package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.safegrad.api.v1alpha1.ConditionReason;
import io.safegrad.operator.observe.RunObservation.Cause;
import io.safegrad.operator.observe.RunObservation.PodStage;
import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** What keeps a Job from having a pod. */
final class Obstacles {

  private Obstacles() {}

  /**
   * Why the Job of an unfinished run has no living pod; empty when nothing keeps it from one.
   *
   * @param refusals events of {@link RefusedPods} for Jobs of this name
   */
  static Optional<Cause> of(
      KubernetesClient client, Job job, RunObservation seen, Collection<Event> refusals) {
    if (seen.job().end() != null) {
      return Optional.empty();
    }
    if (seen.job().suspended()) {
      return seen.job().queue() == null
          ? Optional.empty()
          : Optional.of(Queue.waiting(client, job, seen.job().queue()));
    }
    boolean living = seen.pod() != null && seen.pod().stage() != PodStage.ENDED;
    return living ? Optional.empty() : refused(job, seen, refusals);
  }

  /** The API server's refusal of the Job's next pod, for example by a quota. */
  private static Optional<Cause> refused(Job job, RunObservation seen, Collection<Event> refusals) {
    String lastEnd =
        seen.lastEnded() == null || seen.lastEnded().ended() == null
            ? ""
            : seen.lastEnded().ended();
    return refusals.stream()
        .filter(event -> job.getMetadata().getUid().equals(event.getInvolvedObject().getUid()))
        // A refusal of an earlier pod is past.
        .filter(event -> time(event).compareTo(lastEnd) >= 0)
        .max(Comparator.comparing(Obstacles::time))
        .map(event -> Sentence.of(event.getMessage()))
        .map(
            note ->
                new Cause(
                    note.contains("exceeded quota")
                        ? ConditionReason.QuotaExceeded.name()
                        : RefusedPods.REASON,
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
