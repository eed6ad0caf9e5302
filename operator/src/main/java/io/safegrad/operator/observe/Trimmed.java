package io.safegrad.operator.observe;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.informers.cache.ItemStore;
import io.javaoperatorsdk.operator.processing.event.source.informer.TransformingItemStore;
import java.util.List;
import java.util.function.Consumer;

/**
 * What the operator keeps of the objects that it watches. Thousands of ended runs are kept, too, so
 * whatever no reconciliation reads is let go: above all the notes of who wrote which field, which
 * are the largest part of most objects.
 */
public final class Trimmed {

  /** Objects that are asked for at once when a watch begins: a page is in memory as a whole. */
  public static final long PAGE = 500;

  private static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  private Trimmed() {}

  /** Keeps all that a user may have written. */
  public static <T extends HasMetadata> ItemStore<T> store() {
    return store(object -> {});
  }

  /**
   * Keeps less.
   *
   * @param trim lets go of further parts
   */
  public static <T extends HasMetadata> ItemStore<T> store(Consumer<T> trim) {
    return new TransformingItemStore<>(
        object -> {
          object.getMetadata().setManagedFields(List.of());
          if (object.getMetadata().getAnnotations() != null) {
            object.getMetadata().getAnnotations().remove(LAST_APPLIED);
          }
          trim.accept(object);
          return object;
        });
  }
}
