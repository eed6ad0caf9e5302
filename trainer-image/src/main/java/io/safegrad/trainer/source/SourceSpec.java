package io.safegrad.trainer.source;

import java.util.Set;

/**
 * What a plan says of one model or data set.
 *
 * @param field the plan's field with the address, for messages, for example {@code dataset.source}
 * @param uri the address as the user wrote it
 * @param revision commit, tag or branch of an {@code hf://} address; null for the main branch
 * @param digest {@code sha256:…} that the source must have; null when the plan does not say
 */
public record SourceSpec(String field, String uri, String revision, String digest) {

  private static final Set<String> MODELS =
      Set.of(
          "model.source",
          "method.safeLora.baseModel.source",
          "safety.evaluation.judge.classifier.source");

  /** A source that nothing pins. */
  public static SourceSpec unpinned(String field, String uri) {
    return new SourceSpec(field, uri, null, null);
  }

  /** The address for messages and reports: without a query, which may hold a signature. */
  public String shownUri() {
    return uri.startsWith(RemoteSources.WEB) ? uri.replaceFirst("[?#].*$", "") : uri;
  }

  /** Whether a model is meant, of several files, and not a file of data. */
  boolean isModel() {
    return MODELS.contains(field);
  }

  /** Name of a field beside the address: {@code digest} beside {@code source}, else a compound. */
  String sibling(String name) {
    return field.matches("(.*[.])?source")
        ? field.replaceFirst("[^.]*$", name)
        : field + Character.toUpperCase(name.charAt(0)) + name.substring(1);
  }
}
