package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.safegrad.api.v1alpha1.SafeFineTune;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import io.safegrad.operator.plan.PolicyScope;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;

/** The policies that hold in a run's namespace. */
@Singleton
public class PolicyWatch {

  private final JoinedRead<List<SafetyPolicy>> policies = new JoinedRead<>();
  private final Map<String, JoinedRead<Optional<Namespace>>> namespaces = new ConcurrentHashMap<>();

  /** Looks at every run again when a policy changes, and at a namespace's when its labels do. */
  static List<EventSource<?, SafeFineTune>> eventSources(EventSourceContext<SafeFineTune> context) {
    return List.of(
        source(SafetyPolicy.class, context, (policy, run) -> true),
        source(
            Namespace.class,
            context,
            (namespace, run) ->
                namespace.getMetadata().getName().equals(run.getMetadata().getNamespace())));
  }

  /** The policies as the operator last heard of them. */
  public static List<SafetyPolicy> known(SafeFineTune run, Context<SafeFineTune> context) {
    return selected(
        all(SafetyPolicy.class, context),
        all(Namespace.class, context).stream()
            .filter(one -> one.getMetadata().getName().equals(run.getMetadata().getNamespace()))
            .findFirst()
            .orElse(null));
  }

  /** The policies as they are this moment: a start or a verdict must not rest on hearsay. */
  public List<SafetyPolicy> now(SafeFineTune run, Context<SafeFineTune> context) {
    KubernetesClient client = context.getClient();
    List<SafetyPolicy> all =
        policies.get(() -> client.resources(SafetyPolicy.class).list().getItems());
    if (all.stream().allMatch(PolicyScope::isEverywhere)) {
      return all;
    }
    String name = run.getMetadata().getNamespace();
    return selected(
        all,
        namespaces
            .computeIfAbsent(name, any -> new JoinedRead<>())
            .get(() -> Optional.ofNullable(client.namespaces().withName(name).get()))
            .orElse(null));
  }

  /** A namespace that is gone has no label by which a policy could leave it out. */
  private static List<SafetyPolicy> selected(
      Collection<SafetyPolicy> policies, Namespace namespace) {
    Map<String, String> labels =
        namespace == null
            ? Map.of()
            : Objects.requireNonNullElse(namespace.getMetadata().getLabels(), Map.of());
    return policies.stream().filter(policy -> PolicyScope.selects(policy, labels)).toList();
  }

  private static <T extends HasMetadata> Collection<T> all(
      Class<T> kind, Context<SafeFineTune> context) {
    EventSource<T, SafeFineTune> source = context.eventSourceRetriever().getEventSourceFor(kind);
    return ((InformerEventSource<T, SafeFineTune>) source).list(one -> true).toList();
  }

  private static <T extends HasMetadata> EventSource<T, SafeFineTune> source(
      Class<T> kind, EventSourceContext<SafeFineTune> context, BiPredicate<T, SafeFineTune> of) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(kind, SafeFineTune.class)
            .withWatchAllNamespaces()
            .withItemStore(Trimmed.store())
            .withInformerListLimit(Trimmed.PAGE)
            .withSecondaryToPrimaryMapper(changed -> concerned(changed, context, of))
            .build(),
        context);
  }

  private static <T> Set<ResourceID> concerned(
      T changed, EventSourceContext<SafeFineTune> context, BiPredicate<T, SafeFineTune> of) {
    return context
        .getPrimaryCache()
        .list(run -> of.test(changed, run))
        .map(ResourceID::fromResource)
        .collect(Collectors.toSet());
  }
}
