package io.safegrad.operator.status;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.MicroTime;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes Kubernetes Events, by the older of the two APIs: kubectl puts those of the newer one in no
 * order. The same occurrence has the same name, so it is never told twice.
 */
final class Events {

  private static final Logger LOG = LoggerFactory.getLogger(Events.class);

  /** The API server takes exactly six digits; {@code Instant.toString} leaves zeros out. */
  private static final DateTimeFormatter MICRO_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private static final String REPORTER = "safegrad.io/operator";
  private static final int LONGEST_NOTE_BYTES = 1024;
  private static final int LONGEST_NAME = 253;
  private static final int ATTEMPTS = 5;

  private Events() {}

  /**
   * Writes one event. A server that does not take it does not stop the run.
   *
   * @throws KubernetesClientException when the server is away: the event is told when it is back
   */
  static void write(KubernetesClient client, SafeFineTune resource, RunEvent event, Instant now) {
    Event written = of(resource, event, now);
    try {
      create(client, written);
    } catch (KubernetesClientException e) {
      if (Trouble.isUnreachable(e)) {
        throw e;
      }
      if (!Trouble.isTaken(e) && !Trouble.isOfEndingNamespace(e)) {
        LOG.warn(
            "{}/{}: the event {} was not written: {}",
            resource.getMetadata().getNamespace(),
            resource.getMetadata().getName(),
            event.reason(),
            Trouble.of(e).sentence());
      }
    }
  }

  /** A quota that is being counted answers with a conflict, which soon passes. */
  private static void create(KubernetesClient client, Event event) {
    for (int attempt = 1; ; attempt++) {
      try {
        client.resource(event).create();
        return;
      } catch (KubernetesClientException e) {
        if (attempt == ATTEMPTS || !Trouble.isConflict(e) || Trouble.isTaken(e)) {
          throw e;
        }
      }
    }
  }

  static Event of(SafeFineTune resource, RunEvent event, Instant now) {
    return new EventBuilder()
        .withNewMetadata()
        .withName(name(resource, event))
        .withNamespace(resource.getMetadata().getNamespace())
        .endMetadata()
        // kubectl sorts by the one, programs by the other.
        .withFirstTimestamp(now.truncatedTo(ChronoUnit.SECONDS).toString())
        .withLastTimestamp(now.truncatedTo(ChronoUnit.SECONDS).toString())
        .withCount(1)
        .withEventTime(new MicroTime(MICRO_TIME.format(now)))
        .withNewSource("safegrad-operator", null)
        .withReportingComponent(REPORTER)
        .withReportingInstance(REPORTER)
        .withAction("Reconcile")
        .withType(event.reason().type())
        .withReason(event.reason().name())
        .withMessage(bounded(event.note()))
        .withInvolvedObject(
            new ObjectReferenceBuilder()
                .withApiVersion(resource.getApiVersion())
                .withKind(resource.getKind())
                .withNamespace(resource.getMetadata().getNamespace())
                .withName(resource.getMetadata().getName())
                .withUid(resource.getMetadata().getUid())
                .build())
        .build();
  }

  private static String name(SafeFineTune resource, RunEvent event) {
    String identity =
        resource.getMetadata().getUid() + "|" + event.reason() + "|" + event.occasion();
    // kubectl shows what happened in the same second in the order of names.
    String suffix =
        ".%02x%02x%s"
            .formatted(
                event.attempts() & 0xff,
                event.reason().ordinal(),
                digest(identity).substring(0, 12));
    String name = resource.getMetadata().getName();
    return name.substring(0, Math.min(name.length(), LONGEST_NAME - suffix.length())) + suffix;
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String bounded(String note) {
    int end = note.length();
    while (note.substring(0, end).getBytes(StandardCharsets.UTF_8).length > LONGEST_NOTE_BYTES) {
      end--;
    }
    return note.substring(0, end);
  }
}
