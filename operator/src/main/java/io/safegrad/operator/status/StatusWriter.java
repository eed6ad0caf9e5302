package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.RetryInfo;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafeFineTuneStatus;
import io.safegrad.operator.observe.Sentence;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a status that differs from the last one, and tells what happened in between. */
public final class StatusWriter {

  private static final Logger LOG = LoggerFactory.getLogger(StatusWriter.class);

  /** Attempts after which an object in the way is not one on its way out. */
  private static final int TELLING_NAMES = 4;

  /** Attempts after which a conflict is no coincidence: each write of a run may meet one. */
  private static final int TELLING_CONFLICTS = 12;

  private StatusWriter() {}

  /**
   * Writes the status, unless it says what the resource says already.
   *
   * @return the resource with the status
   * @throws io.fabric8.kubernetes.client.KubernetesClientException with code 409 when the resource
   *     changed since it was read, so that no status ever speaks of a spec it was not made from
   */
  public static SafeFineTune write(
      SafeFineTune resource, SafeFineTuneStatus status, Context<SafeFineTune> context) {
    SafeFineTuneStatus before = RunStatus.last(resource);
    if (status.equals(before)) {
      return resource;
    }
    List<RunEvent> events = Transitions.between(before, status);
    // First, so that none is lost: those that are told again have the same names.
    for (RunEvent event : events) {
      Events.write(context.getClient(), resource, event, Instant.now());
    }
    SafeFineTune written =
        context
            .getClient()
            .resource(statusOnly(resource, status))
            .subresource("status")
            .patch(
                new PatchContext.Builder()
                    .withPatchType(PatchType.SERVER_SIDE_APPLY)
                    .withFieldManager(context.getControllerConfiguration().fieldManager())
                    .withForce(true)
                    .build());
    // The next reconciliation must not see an older status than this one.
    context
        .eventSourceRetriever()
        .getControllerEventSource()
        .handleRecentResourceUpdate(ResourceID.fromResource(resource), written, resource);
    log(resource, before, status, events);
    return written;
  }

  /**
   * Tells a resource's user what went wrong, and decides whether to try again. A write of somebody
   * else in between, or an object on its way out, is not worth telling unless it stays; an API
   * server that is away, or does not serve the CRD, is told once for all, by the client.
   */
  public static ErrorStatusUpdateControl<SafeFineTune> tell(
      SafeFineTune resource, Exception failure, Context<SafeFineTune> context) {
    if (Trouble.isUnreachable(failure) || Trouble.isUnserved(failure)) {
      return ErrorStatusUpdateControl.noStatusUpdate();
    }
    int attempt = context.getRetryInfo().map(RetryInfo::getAttemptCount).orElse(0);
    if (Trouble.isOfEndingNamespace(failure)) {
      if (attempt == 0) {
        LOG.info(
            "{}/{}: goes with its namespace",
            resource.getMetadata().getNamespace(),
            resource.getMetadata().getName());
      }
      return ErrorStatusUpdateControl.noStatusUpdate();
    }
    if (Trouble.isConflict(failure) && mayPass(resource, failure, attempt, context)) {
      return ErrorStatusUpdateControl.noStatusUpdate();
    }
    Trouble trouble = Trouble.of(failure);
    SafeFineTuneStatus status = RunStatus.troubled(resource, trouble, Instant.now());
    ErrorStatusUpdateControl<SafeFineTune> tryAgain = ErrorStatusUpdateControl.noStatusUpdate();
    try {
      if (!status.equals(RunStatus.last(resource))) {
        LOG.warn(
            "{}/{}: {}: {}",
            resource.getMetadata().getNamespace(),
            resource.getMetadata().getName(),
            trouble.reason(),
            trouble.sentence());
        write(resource, status, context);
      }
    } catch (KubernetesClientException e) {
      // The API server is away, or the resource has changed: either way there is a next time.
      return tryAgain;
    }
    return trouble.lasting() ? tryAgain.withNoRetry() : tryAgain;
  }

  /** Whether it is too early to bother a user with what came first. */
  private static boolean mayPass(
      SafeFineTune resource, Exception failure, int attempt, Context<SafeFineTune> context) {
    if (!Trouble.isTaken(failure)) {
      return attempt < TELLING_CONFLICTS;
    }
    try {
      return attempt < TELLING_NAMES
          && Trouble.taken(failure)
              .filter(
                  one ->
                      Namesake.stays(context.getClient(), resource, one.getKind(), one.getName()))
              .isEmpty();
    } catch (KubernetesClientException e) {
      // The API server is away: there is a next time.
      return true;
    }
  }

  private static void log(
      SafeFineTune resource,
      SafeFineTuneStatus before,
      SafeFineTuneStatus status,
      List<RunEvent> events) {
    if (before.phase() != status.phase() || !events.isEmpty()) {
      LOG.info(
          "{}/{}: {} → {}{}",
          resource.getMetadata().getNamespace(),
          resource.getMetadata().getName(),
          before.phase() == null ? "new" : before.phase(),
          status.phase(),
          events.stream().map(StatusWriter::told).collect(Collectors.joining()));
    }
  }

  /** What is out of the ordinary with its sentence, which stands in the event as well. */
  private static String told(RunEvent event) {
    return event.reason().type().equals("Normal")
        ? " [" + event.reason() + "]"
        : " [" + event.reason() + ": " + Sentence.of(event.note()) + "]";
  }

  /** Only what the operator owns: anything more would take the field's ownership from the user. */
  private static SafeFineTune statusOnly(SafeFineTune resource, SafeFineTuneStatus status) {
    SafeFineTune fresh = new SafeFineTune();
    fresh.setMetadata(
        new ObjectMetaBuilder()
            .withName(resource.getMetadata().getName())
            .withNamespace(resource.getMetadata().getNamespace())
            .withResourceVersion(resource.getMetadata().getResourceVersion())
            .build());
    fresh.setStatus(status);
    return fresh;
  }
}
