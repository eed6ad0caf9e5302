package io.safegrad.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonNodePath;
import com.networknt.schema.ValidationMessage;
import io.safegrad.api.v1alpha1.Sources;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * What a manifest breaks of a schema, as sentences: each names the field, what was expected there
 * and what was found. A text is repeated only where one of a few words or a number belongs, and
 * never from a reference to a Secret.
 */
final class SchemaSentences {

  private static final Pattern SCHEME = Pattern.compile("[a-z0-9+.-]{1,16}://");

  private static final int MAX_FOUND_CHARACTERS = 40;

  private final String root;
  private final JsonNode schema;

  /**
   * Sentences about the parts of one field.
   *
   * @param root its name
   */
  SchemaSentences(String root, JsonNode schema) {
    this.root = root;
    this.schema = schema;
  }

  /** One sentence for each place, sorted. */
  Collection<String> of(Set<ValidationMessage> messages) {
    return messages.stream().map(this::of).collect(Collectors.toCollection(TreeSet::new));
  }

  private String of(ValidationMessage message) {
    JsonNodePath place = message.getInstanceLocation();
    String path = root + place.toString().substring(1);
    if (message.getType().equals("additionalProperties")) {
      return "unknown field %s.%s; expected one of %s"
          .formatted(path, cut(message.getProperty()), String.join(", ", fields(at(place))));
    }
    if (message.getType().equals("required")) {
      JsonNode missing = at(place).path("properties").path(message.getProperty());
      return "%s.%s: expected %s, found nothing"
          .formatted(path, message.getProperty(), expected(missing, null));
    }
    JsonNode expected = at(place);
    JsonNode found = message.getInstanceNode();
    return "%s: expected %s, found %s"
        .formatted(path, expected(expected, found), found(expected, found, path));
  }

  private JsonNode at(JsonNodePath place) {
    JsonNode here = schema;
    for (int i = 0; i < place.getNameCount(); i++) {
      if (place.getElement(i) instanceof Integer) {
        here = here.path("items");
      } else {
        JsonNode field = here.path("properties").path(place.getName(i));
        here = field.isMissingNode() ? here.path("additionalProperties") : field;
      }
    }
    return here;
  }

  private static List<String> fields(JsonNode schema) {
    Set<String> fields = new TreeSet<>();
    schema.path("properties").fieldNames().forEachRemaining(fields::add);
    return List.copyOf(fields);
  }

  private static String expected(JsonNode schema, JsonNode found) {
    if (schema.has("enum")) {
      return "one of "
          + StreamSupport.stream(schema.path("enum").spliterator(), false)
              .map(JsonNode::asText)
              .collect(Collectors.joining(", "));
    }
    if (schema.path("x-kubernetes-int-or-string").asBoolean()) {
      return "a quantity, such as 500m, 4 or 16Gi";
    }
    return switch (schema.path("type").asText()) {
      case "integer" -> "a whole number" + bounds(schema, "minimum", "maximum");
      case "number" -> "a number" + bounds(schema, "minimum", "maximum");
      case "boolean" -> "true or false";
      case "array" -> "a list" + count(bounds(schema, "minItems", "maxItems"), "items");
      case "object" ->
          "a mapping" + count(bounds(schema, "minProperties", "maxProperties"), "fields");
      default -> text(schema, found);
    };
  }

  private static String text(JsonNode schema, JsonNode found) {
    String pattern = schema.path("pattern").asText();
    if (pattern.isEmpty() || !hasRightLength(schema, found)) {
      return "a text" + count(bounds(schema, "minLength", "maxLength"), "characters");
    }
    return Sources.expected(pattern)
        .map(words -> words.substring("expected ".length()))
        .orElse("a text that matches " + pattern);
  }

  private static boolean hasRightLength(JsonNode schema, JsonNode found) {
    return found == null
        || !found.isTextual()
        || length(found) >= schema.path("minLength").asInt()
            && length(found) <= schema.path("maxLength").asInt(Integer.MAX_VALUE);
  }

  private static int length(JsonNode text) {
    return text.asText().codePointCount(0, text.asText().length());
  }

  private static String bounds(JsonNode schema, String least, String most) {
    if (schema.has(least) && schema.has(most)) {
      return " from " + plain(schema.path(least)) + " to " + plain(schema.path(most));
    }
    if (schema.has(least)) {
      return " of at least " + plain(schema.path(least));
    }
    return schema.has(most) ? " of at most " + plain(schema.path(most)) : "";
  }

  private static String count(String bounds, String what) {
    return bounds.isEmpty() ? "" : bounds.replaceFirst(" from ", " of ") + " " + what;
  }

  private static String plain(JsonNode number) {
    return new BigDecimal(number.asText()).stripTrailingZeros().toPlainString();
  }

  private static String found(JsonNode schema, JsonNode found, String path) {
    boolean isSecret = path.contains("ecretRef");
    return switch (found.getNodeType()) {
      case STRING -> isSecret ? "a text" : foundText(schema, found);
      case NUMBER, BOOLEAN -> isSecret ? "a value that is no text" : cut(found.asText());
      case ARRAY -> "a list" + size(found, schema.path("type").asText().equals("array"));
      case OBJECT -> "a mapping" + size(found, schema.path("type").asText().equals("object"));
      default -> "null";
    };
  }

  private static String size(JsonNode found, boolean matters) {
    return matters ? " of " + found.size() : "";
  }

  private static String foundText(JsonNode schema, JsonNode found) {
    if (!hasRightLength(schema, found)) {
      return "one of " + length(found);
    }
    String pattern = schema.path("pattern").asText();
    String type = schema.path("type").asText();
    if (pattern.contains("://")) {
      return form(found.asText());
    }
    return type.equals("object") || type.equals("array")
        ? "a text"
        : "\"" + cut(found.asText()) + "\"";
  }

  /** An address without what may be private in it. */
  private static String form(String address) {
    Matcher scheme = SCHEME.matcher(address);
    return scheme.lookingAt() ? scheme.group() + "…" : "no address";
  }

  private static String cut(String text) {
    return text.codePointCount(0, text.length()) <= MAX_FOUND_CHARACTERS
        ? text
        : text.substring(0, text.offsetByCodePoints(0, MAX_FOUND_CHARACTERS)) + "…";
  }
}
