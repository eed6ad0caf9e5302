package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.javaoperatorsdk.operator.api.config.informer.FieldSelector;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import java.util.Set;

/**
 * The API server's refusals of Jobs' pods, for example by a quota: an event of the Job tells them,
 * and nothing else. They are watched, because asking once for each run that waits for its pod costs
 * the API server more than all the rest of a run.
 */
final class RefusedPods extends InformerEventSource<Event, SafeFineTune> {

  static final String REASON = "FailedCreate";

  RefusedPods(EventSourceContext<SafeFineTune> context) {
    super(
        InformerEventSourceConfiguration.from(Event.class, SafeFineTune.class)
            .withFieldSelector(
                new FieldSelector(
                    new FieldSelector.Field("reason", REASON),
                    new FieldSelector.Field("involvedObject.kind", "Job")))
            .withItemStore(Trimmed.store())
            .withInformerListLimit(Trimmed.PAGE)
            .withSecondaryToPrimaryMapper(RefusedPods::run)
            .build(),
        context);
  }

  /** A Job has the name of its run. */
  private static Set<ResourceID> run(Event event) {
    ObjectReference job = event.getInvolvedObject();
    return Set.of(new ResourceID(job.getName(), job.getNamespace()));
  }
}
