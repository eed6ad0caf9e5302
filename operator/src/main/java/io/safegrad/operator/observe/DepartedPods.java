package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.Cache;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.operator.dependent.Labels;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The trainers' pods, and the last sight of those that are gone: an evicted pod is removed as soon
 * as its end is written, and with it why it ended.
 */
final class DepartedPods extends InformerEventSource<Pod, SafeFineTune> {

  /** Pods remembered per run; older ones stand in its status. */
  private static final int MOST = 8;

  private final Cache<SafeFineTune> runs;
  private final Map<ResourceID, List<Pod>> departed = new ConcurrentHashMap<>();

  DepartedPods(EventSourceContext<SafeFineTune> context) {
    super(
        InformerEventSourceConfiguration.from(Pod.class, SafeFineTune.class)
            .withLabelSelector(Labels.SELECTOR)
            .withItemStore(Trimmed.store(pod -> pod.setSpec(null)))
            .withInformerListLimit(Trimmed.PAGE)
            .withSecondaryToPrimaryMapper(Labels::safeFineTune)
            .build(),
        context);
    this.runs = context.getPrimaryCache();
  }

  /** The pods of a run that were removed while the operator watched, the newest first. */
  Collection<Pod> of(ResourceID run) {
    return departed.getOrDefault(run, List.of());
  }

  void forget(ResourceID run) {
    departed.remove(run);
  }

  @Override
  public void onDelete(Pod pod, boolean finalStateUnknown) {
    departed.keySet().removeIf(run -> runs.get(run).isEmpty());
    Labels.safeFineTune(pod).stream()
        .filter(run -> runs.get(run).isPresent())
        .forEach(
            run ->
                departed.merge(
                    run,
                    List.of(pod),
                    (known, added) ->
                        Stream.concat(added.stream(), known.stream()).limit(MOST).toList()));
    super.onDelete(pod, finalStateUnknown);
  }
}
