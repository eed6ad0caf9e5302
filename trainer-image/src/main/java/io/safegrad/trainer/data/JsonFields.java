package io.safegrad.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The fields that data sets are made of. */
final class JsonFields {

  private static final Set<String> ROLES = Set.of("system", "user", "assistant");

  private JsonFields() {}

  /** A chat: a list of at least one {role, content}. */
  static List<Message> messages(JsonLines.Line line, String field) {
    JsonNode list = line.object().path(field);
    if (!list.isArray()) {
      throw line.error("field " + field + ": expected a list of messages, found " + typeOf(list));
    }
    if (list.isEmpty()) {
      throw line.error("field " + field + ": expected at least one message, found none");
    }
    List<Message> messages = new ArrayList<>(list.size());
    for (int i = 0; i < list.size(); i++) {
      messages.add(message(line, field + "[" + i + "]", list.get(i)));
    }
    return messages;
  }

  private static Message message(JsonLines.Line line, String field, JsonNode json) {
    if (!json.isObject()) {
      throw line.error(
          "field " + field + ": expected an object with role and content, found " + typeOf(json));
    }
    String role = text(line, field + ".role", json.path("role"));
    if (!ROLES.contains(role)) {
      throw line.error(
          "field " + field + ".role: expected system, user or assistant, found another role");
    }
    return new Message(role, text(line, field + ".content", json.path("content")));
  }

  static String text(JsonLines.Line line, String field, JsonNode json) {
    if (!json.isTextual()) {
      throw line.error("field " + field + ": expected a text, found " + typeOf(json));
    }
    return json.asText();
  }

  /** What a value is, in words for an error. */
  static String typeOf(JsonNode json) {
    return switch (json.getNodeType()) {
      case MISSING -> "nothing";
      case NULL -> "null";
      case STRING -> "a text";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case ARRAY -> "a list";
      default -> "an object";
    };
  }
}
