package io.safegrad.operator.plan;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.SafetyPolicy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a policy demands in words that this operator does not know: fields and values of a newer
 * CRD, which stay stored when an operator is set back. Left out they would demand nothing, so they
 * are noted where the policy is read, and held against every run.
 */
public final class NotUnderstood {

  /** An annotation that exists in this process only. */
  private static final String NOTE = "safegrad.io/not-understood";

  private static final String SEPARATOR = ", ";

  private NotUnderstood() {}

  /**
   * Notes it.
   *
   * @param stored the policy's spec as the API server has it
   * @param read the spec as it was read, written again
   */
  public static void note(SafetyPolicy policy, JsonNode stored, JsonNode read) {
    List<String> found = new ArrayList<>();
    compare("", stored, read, found);
    Map<String, String> notes = new LinkedHashMap<>();
    if (policy.getMetadata().getAnnotations() != null) {
      notes.putAll(policy.getMetadata().getAnnotations());
    }
    notes.remove(NOTE);
    if (!found.isEmpty()) {
      notes.put(NOTE, String.join(SEPARATOR, found));
    }
    policy.getMetadata().setAnnotations(notes);
  }

  /** The fields of its spec, for example {@code gate.compare}. */
  static List<String> of(SafetyPolicy policy) {
    Map<String, String> notes = policy.getMetadata().getAnnotations();
    String noted = notes == null ? null : notes.get(NOTE);
    return noted == null ? List.of() : List.of(noted.split(SEPARATOR));
  }

  private static void compare(String path, JsonNode stored, JsonNode read, List<String> found) {
    if (stored.isObject()) {
      stored
          .properties()
          .forEach(
              field ->
                  compare(
                      path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
                      field.getValue(),
                      read.path(field.getKey()),
                      found));
    } else if (stored.isArray()) {
      for (int i = 0; i < stored.size(); i++) {
        compare(path + "[" + i + "]", stored.get(i), read.path(i), found);
      }
    } else if (!stored.isNull() && isLost(path, stored, read)) {
      found.add(path);
    }
  }

  /** An unknown value may have become a default. A quantity may be written in several ways. */
  private static boolean isLost(String path, JsonNode stored, JsonNode read) {
    return read.isMissingNode()
        || read.isNull()
        || (stored.isTextual()
            && !path.startsWith(PolicyMerge.RESOURCES)
            && !stored.textValue().equals(read.asText()));
  }
}
