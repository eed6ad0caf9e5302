package io.safegrad.api;

import com.fasterxml.jackson.databind.JsonNode;
import io.safegrad.api.v1alpha1.Sources;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The rules of the CRD, in CEL there, about an address and what stands beside it. */
final class SourceRules {

  private static final Map<String, Predicate<JsonNode>> RULES =
      Map.of(
          Sources.DIGEST_RULE, at -> !hasScheme(at, "https://") || at.hasNonNull("digest"),
          Sources.REVISION_RULE, at -> !at.hasNonNull("revision") || hasScheme(at, "hf://"),
          Sources.SECRET_RULE,
              at ->
                  !at.hasNonNull("secretRef")
                      || hasScheme(at, "hf://")
                      || hasScheme(at, "https://")
                      || hasScheme(at, "s3://"),
          Sources.DESTINATION_SECRET_RULE,
              at ->
                  !at.hasNonNull("secretRef")
                      || at.path("destination").asText().startsWith("s3://"));

  private SourceRules() {}

  /** A sentence for each rule of a schema that a value breaks, with the field before it. */
  static List<String> violations(String field, JsonNode schema, JsonNode value) {
    List<String> violations = new ArrayList<>();
    for (JsonNode rule : schema.path("x-kubernetes-validations")) {
      if (!RULES.getOrDefault(rule.path("rule").asText(), at -> true).test(value)) {
        violations.add(
            "%s: %s, found %s".formatted(field, rule.path("message").asText(), scheme(value)));
      }
    }
    schema
        .path("properties")
        .fields()
        .forEachRemaining(
            part -> {
              if (value.has(part.getKey())) {
                violations.addAll(
                    violations(
                        field + "." + part.getKey(), part.getValue(), value.path(part.getKey())));
              }
            });
    for (int i = 0; schema.has("items") && i < value.size(); i++) {
      violations.addAll(violations(field + "[" + i + "]", schema.path("items"), value.path(i)));
    }
    return violations;
  }

  private static boolean hasScheme(JsonNode at, String scheme) {
    return at.path("source").asText().startsWith(scheme);
  }

  private static String scheme(JsonNode at) {
    String address = at.path("source").asText(at.path("destination").asText());
    return address.substring(0, address.indexOf("://")) + "://…";
  }
}
